"""A report's text, made from its parts: what every server and app can show, in the language of the report.

# Det ville vi

Lade borgere adoptere en brandhane.

# Det stod i vejen

**Regler:** Juristen sagde nej.
"""

from collections.abc import Mapping

from models.experiences import BARRIERS, Experience, Outcome, Part, Phase, Report, named
from models.posts import Post

LANGUAGES = ("da", "en")

HEADINGS: Mapping[str, Mapping[str, str]] = {
    "da": {
        Part.WANTED: "Det ville vi",
        "barriers": "Det stod i vejen",
        Part.TRIED: "Det prøvede vi",
        Part.DECIDED: "Dem, der besluttede",
        Part.RULE: "Reglen",
        Part.COST: "Det kostede det",
        Part.HAPPENED: "Det skete der",
        "value": "Det kom der ud af det",
        Part.CITIZENS: "For borgerne",
        Part.STAFF: "For medarbejderne",
        Part.ECONOMY: "For økonomien",
        Part.LAW: "For retssikkerheden",
    },
    "en": {
        Part.WANTED: "What we wanted",
        "barriers": "What stood in the way",
        Part.TRIED: "What we tried",
        Part.DECIDED: "Who decided",
        Part.RULE: "The rule",
        Part.COST: "What it cost",
        Part.HAPPENED: "What happened",
        "value": "What came of it",
        Part.CITIZENS: "For citizens",
        Part.STAFF: "For staff",
        Part.ECONOMY: "For the economy",
        Part.LAW: "For the rule of law",
    },
}

BARRIER_WORDS: Mapping[str, Mapping[str, str]] = {
    "da": dict(zip(BARRIERS, ("Bureaukrati", "Politik", "Vaner", "Kultur", "Regler", "Love"), strict=True)),
    "en": dict(zip(BARRIERS, ("Bureaucracy", "Politics", "Habits", "Culture", "Rules", "Laws"), strict=True)),
}
PHASE_WORDS: Mapping[str, Mapping[str, str]] = {
    "da": dict(zip(Phase, ("idé", "pilot", "indføring", "drift", "stoppet"), strict=True)),
    "en": dict(zip(Phase, ("idea", "pilot", "rollout", "operation", "stopped"), strict=True)),
}
OUTCOME_WORDS: Mapping[str, Mapping[str, str]] = {
    "da": dict(zip(Outcome, ("lykkedes", "lykkedes delvist", "lykkedes ikke", "endnu uvist"), strict=True)),
    "en": dict(zip(Outcome, ("worked", "worked partly", "did not work", "not known yet"), strict=True)),
}
FACTS = {"da": ("Barrierer", "Fase", "Udfald"), "en": ("Barriers", "Phase", "Outcome")}
VALUES = (Part.CITIZENS, Part.STAFF, Part.ECONOMY, Part.LAW)


def _language(language: str) -> str:
    return language if language in LANGUAGES else "da"


def markdown(report: Report) -> str:
    """The whole text; parts that nobody wrote are left out."""
    language = _language(report.language)
    headings, words = HEADINGS[language], BARRIER_WORDS[language]
    parts = {name: said.strip() for name, said in report.parts.items()}
    found = [_chapter(headings[Part.WANTED], parts.get(Part.WANTED, ""))]
    obstacles = [
        f"**{words[barrier]}**" + (f"\n\n{said}" if (said := report.obstacles[barrier].strip()) else "")
        for barrier in BARRIERS
        if barrier in report.obstacles
    ]
    found.append(_chapter(headings["barriers"], "\n\n".join(obstacles)))
    for part in (Part.TRIED, Part.DECIDED, Part.RULE, Part.COST, Part.HAPPENED):
        said = parts.get(part, "")
        if part == Part.RULE and report.rule_url:
            said = f"{said}\n\n<{report.rule_url}>".strip()
        found.append(_chapter(headings[part], said))
    values = [f"**{headings[part]}:** {parts[part]}" for part in VALUES if parts.get(part)]
    found.append(_chapter(headings["value"], "\n\n".join(values)))
    return "\n\n".join(chapter for chapter in found if chapter)


def _chapter(heading: str, said: str) -> str:
    return f"# {heading}\n\n{said}" if said else ""


def facts(post: Post, row: Experience) -> list[tuple[str, str]]:
    """Barriers, phase and outcome with their names, as the abstract begins for readers elsewhere."""
    language = _language(post.language)
    barriers = ", ".join(BARRIER_WORDS[language][one].lower() for one in named(row.barriers))
    phase = PHASE_WORDS[language].get(row.phase, row.phase)
    outcome = OUTCOME_WORDS[language].get(row.outcome, row.outcome)
    return [(name, said) for name, said in zip(FACTS[language], (barriers, phase, outcome), strict=True) if said]
