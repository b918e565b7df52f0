"""One verb per file: what an activity does here, once it is known who vouches for it.

Whatever is not in `HANDLERS` is taken with 202, counted, and has no effect. A test asks of each entry what happens
when it comes unsigned, forged, stale, replayed, from the wrong actor, or about a foreign object.
"""

from federation.handlers.accept import accept
from federation.handlers.add import add
from federation.handlers.announce import announce
from federation.handlers.ballots import poll_vote
from federation.handlers.block import block
from federation.handlers.choose_answer import choose_answer
from federation.handlers.create import create
from federation.handlers.delete import delete
from federation.handlers.dislike import dislike
from federation.handlers.effects import Handler
from federation.handlers.flag import flag
from federation.handlers.follow import follow
from federation.handlers.join import join, leave
from federation.handlers.like import like
from federation.handlers.move import move
from federation.handlers.quote_request import quote_request
from federation.handlers.reject import reject
from federation.handlers.remove import remove
from federation.handlers.undo import undo
from federation.handlers.update import update

HANDLERS: dict[str, Handler] = {
    "Accept": accept,
    "Add": add,
    "Announce": announce,
    "Block": block,
    "ChooseAnswer": choose_answer,
    "Create": create,
    "Delete": delete,
    "Dislike": dislike,
    "EmojiReact": like,
    "Flag": flag,
    "Follow": follow,
    "Join": join,
    "Leave": leave,
    "Like": like,
    "Move": move,
    "PollVote": poll_vote,
    "QuoteRequest": quote_request,
    "Reject": reject,
    "Remove": remove,
    "Undo": undo,
    "Update": update,
}
