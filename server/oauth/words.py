"""What an app may do, in words for somebody who has never heard of scopes."""

from models import scopes
from server.i18n import later

READS = {
    "read": later(
        "See everything you can see here: posts, private messages, notices, lists, whom you follow and block"
    ),
    "read:accounts": later("See your profile and the profiles you can see"),
    "read:blocks": later("See whom you have blocked"),
    "read:bookmarks": later("See your bookmarks"),
    "read:favourites": later("See what you have voted for"),
    "read:filters": later("See your filters"),
    "read:follows": later("See whom you follow and who follows you"),
    "read:lists": later("See your lists"),
    "read:mutes": later("See whom you have muted"),
    "read:notifications": later("See your notices"),
    "read:search": later("Search for you"),
    "read:statuses": later("See all posts you can see, private messages too"),
    "profile": later("See your name, your user name and your picture"),
}
WRITES = {
    "write": later(
        "Act as you in everything: write, change and delete posts, vote, follow, block and change your profile"
    ),
    "write:accounts": later("Change your profile"),
    "write:blocks": later("Block people and servers, and lift blocks"),
    "write:bookmarks": later("Add and remove bookmarks"),
    "write:conversations": later("Mark private conversations as read, mute and remove them"),
    "write:favourites": later("Vote for posts, and take votes back"),
    "write:filters": later("Change your filters"),
    "write:follows": later("Follow people and communities, and stop following them"),
    "write:lists": later("Change your lists"),
    "write:media": later("Upload pictures and other files"),
    "write:mutes": later("Mute people and conversations, and lift it"),
    "write:notifications": later("Clear your notices"),
    "write:reports": later("Report posts and people to the moderators"),
    "write:statuses": later("Write, change, delete and pass on posts in your name"),
    "follow": later("See and change whom you follow, block and mute"),
}
BESIDES = {
    "push": later("Show notices on your device, also when the app is closed"),
    "offline_access": later("Stay signed in while you are not using it"),
}


def rights(granted: str) -> list[str]:
    """The scopes of a token in plain words (English, translated where they are shown): what it reads, what it does, and
    the rest. What a broader scope covers is not said twice."""
    names = scopes.minimal(granted)
    return [words[name] for words in (READS, WRITES, BESIDES) for name in names if name in words]
