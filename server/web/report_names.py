"""What phases, outcomes and parts of a report are called on the pages."""

from collections.abc import Mapping

from models.experiences import Outcome, Part, Phase
from server.i18n import later

PHASE_NAMES: Mapping[str, str] = {
    Phase.IDEA: later("Idea"),
    Phase.PILOT: later("Pilot"),
    Phase.ROLLOUT: later("Rollout"),
    Phase.OPERATION: later("In operation"),
    Phase.STOPPED: later("Stopped"),
}
OUTCOME_NAMES: Mapping[str, str] = {
    Outcome.WORKED: later("It worked"),
    Outcome.PARTLY: later("It worked partly"),
    Outcome.NO: later("It did not work"),
    Outcome.NOT_YET: later("Not known yet"),
}
PART_NAMES: Mapping[str, str] = {
    Part.WANTED: later("What did you want?"),
    Part.TRIED: later("What did you try?"),
    Part.DECIDED: later("Who decided?"),
    Part.RULE: later("Which rule was it?"),
    Part.COST: later("What did it cost?"),
    Part.HAPPENED: later("What happened?"),
    Part.CITIZENS: later("For citizens"),
    Part.STAFF: later("For staff"),
    Part.ECONOMY: later("For the economy"),
    Part.LAW: later("For the rule of law"),
}
PART_HINTS: Mapping[str, str] = {
    Part.WANTED: later("The idea, and for whom. Two or three sentences are enough."),
    Part.TRIED: later("What you did about it, also what came to nothing. Whom did you talk with first?"),
    Part.DECIDED: later("The committee, the manager, the lawyer, or nobody. Say the role, not the name."),
    Part.RULE: later("The act and the paragraph, the circular, or “nobody knew”."),
    Part.COST: later("Money, hours, patience."),
    Part.HAPPENED: later("How it went, and what you would do differently."),
    Part.CITIZENS: later("What became better or worse for those it is for?"),
    Part.STAFF: later("For those who do the work."),
    Part.ECONOMY: later("Saved, spent, or moved to another budget."),
    Part.LAW: later("Equal treatment, privacy, the right to complain."),
}
REMIND_NAMES: Mapping[str, str] = {
    "3": later("In three months"),
    "6": later("In half a year"),
    "12": later("In a year"),
    "0": later("Do not remind me"),
}
