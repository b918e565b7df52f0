"""One fictional Denmark: three municipalities, six people, their communities and what they talk about.

Tests, screenshots and `torv demo` share it, so whoever reads a test knows the people in it. Nobody here exists, and
neither do the municipalities. Everything is built by the functions that visitors' clicks end in, in one transaction.

>>> world = database.write(world.build)
>>> world.people["anna"].handle
'anna@localhost:8000'
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    adopting,
    affiliations,
    attending,
    base,
    co_authors,
    communities,
    composing,
    endorsing,
    follows,
    links,
    meetings,
    minutes,
    organizations,
    planning,
    proposing,
    reactions,
    series,
    settings,
    sharing,
    threads,
)
from models.actors import Actor
from models.base import clock
from models.experiences import Report
from models.organizations import AffiliationClass, Facts
from models.posts import Draft, Post
from models.recurring import Every, Pattern

PASSWORD = "torvet-er-aabent"
"""Everybody's, in tests and in the demo. A node that others can reach refuses to build the demo."""

DAY = 86400.0


@dataclass(frozen=True)
class Person:
    """Somebody who has an account."""

    username: str
    name: str
    municipality: str
    work: str
    about: str
    role: str = "member"
    language: str = "da"
    topics: tuple[str, ...] = ()


MUNICIPALITIES = {
    "vesterlund": ("Vesterlund Kommune", "41.000 indbyggere mellem skov og fjord."),
    "havby": ("Havby Kommune", "Købstad med havn, 58.000 indbyggere og 312 brandhaner."),
    "aabakke": ("Åbakke Kommune", "Ni landsbyer, en å og 23.000 indbyggere."),
}

PEOPLE = (
    Person(
        "anna",
        "Anna Holm",
        "vesterlund",
        "Digitaliseringskonsulent",
        "Prøver at få gode idéer igennem tre forvaltninger og et økonomiudvalg.",
        role="admin",
        topics=("digital post", "økonomi"),
    ),
    Person(
        "birk",
        "Birk Sørensen",
        "havby",
        "Frivilligkoordinator",
        "Løber tirsdag og torsdag. Altid med nogen.",
        topics=("frivillige", "løbeklubber"),
    ),
    Person(
        "camilla",
        "Camilla Dahl",
        "aabakke",
        "Sundhedskonsulent",
        "Forebyggelse, ensomhed og det, der sker, når man spørger folk selv.",
        role="moderator",
    ),
    Person("david", "David Nygaard", "havby", "Ingeniør, Vej og Park", "Brandhaner, bænke og åbne data."),
    Person("eva", "Eva Lindqvist", "vesterlund", "Bibliotekar", "Biblioteket er kommunens bedste mødelokale."),
    Person(
        "farid",
        "Farid Rahimi",
        "aabakke",
        "Jurist",
        "Most rules allow more than people believe. I read them for a living.",
        language="en",
    ),
)


@dataclass(frozen=True)
class Reply:
    """An answer or a comment, with what was said below it. `days` after the question."""

    author: str
    text: str
    days: float
    voters: tuple[str, ...] = ()
    accepted: bool = False
    comments: tuple["Reply", ...] = ()


@dataclass(frozen=True)
class Question:
    """A thread. `days` ago."""

    key: str
    community: str
    author: str
    title: str
    text: str
    days: float
    barriers: tuple[str, ...] = ()
    language: str = "da"
    voters: tuple[str, ...] = ()
    answers: tuple[Reply, ...] = ()
    comments: tuple[Reply, ...] = ()


COMMUNITIES = {
    "udfordrere": (
        "Offentlige udfordrere",
        "camilla",
        "For dig, der hver dag udfordrer din egen organisation. Vi deler det, der lykkedes, og det, der gik galt.",
        ("Skriv, hvad du selv har prøvet.", "Ingen reklame. Sælger du noget, så sig det.", "Gå efter bolden."),
    ),
    "aabne_data": (
        "Åbne data i kommunen",
        "david",
        "Hvilke data kan vi lægge frem, hvem skal sige ja, og hvem bruger dem bagefter?",
        ("Ingen personoplysninger, heller ikke i eksempler.",),
    ),
}

QUESTIONS = (
    Question(
        "loebere",
        "udfordrere",
        "birk",
        "Hvordan fik I løbere og ensomme ældre til at mødes uden et halvt års sagsbehandling?",
        "Vi har en løbeklub med 40 medlemmer, der gerne vil løbe forbi ældre, som ikke får mange besøg. De vil bære "
        "indkøb ind, skifte en pære, drikke en kop kaffe og løbe hjem igen.\n\nForvaltningen siger, at vi skal have "
        "børneattester, forsikring, en visitation og en databehandleraftale, før den første løber må ringe på.\n\n"
        "**Har nogen fået det til at ske?** Hvad sagde I ja til, og hvad slap I for?",
        21,
        barriers=("regler", "bureaukrati"),
        voters=("anna", "camilla", "david", "eva"),
        answers=(
            Reply(
                "camilla",
                "Ja, siden marts. Det, der løsnede det, var at holde op med at kalde det en *indsats*.\n\n"
                "1. Foreningen er vært, ikke kommunen. Så er det almindeligt naboskab, og der er ingen visitation.\n"
                "2. Den ældre melder sig selv på biblioteket. Vi gemmer fornavn og vejnavn på et stykke papir, som "
                "makuleres efter turen.\n"
                "3. Foreningens egen forsikring dækker allerede frivillige.\n\n"
                "Vi brugte elleve dage fra idé til første tur. De ti gik med at finde et tidspunkt, hvor juristen og "
                "lederen kunne ses i samme lokale.",
                1,
                voters=("anna", "birk", "david", "eva", "farid"),
                accepted=True,
                comments=(
                    Reply("birk", "Papiret på biblioteket er genialt. Hvem passer det, når Eva har fri?", 1.2),
                    Reply("camilla", "Den, der har vagten. Det står på samme hylde som nøglen til mødelokalet.", 1.3),
                ),
            ),
            Reply(
                "farid",
                "Husk, at børneattest kun kræves ved *direkte kontakt med børn under 15*. Jeg har set tre kommuner "
                "kræve den til besøg hos folk på 84. Spørg, hvilken paragraf der menes; som regel forsvinder kravet.",
                2,
                voters=("birk", "camilla"),
            ),
            Reply(
                "eva",
                "Vi prøvede den anden vej rundt: en kaffebord-aften på biblioteket, hvor løberne kom svedige ind. "
                "Ingen sagsbehandling overhovedet, men heller ingen, der ikke kunne gå derhen selv.",
                4,
            ),
        ),
    ),
    Question(
        "brandhaner",
        "aabne_data",
        "david",
        "Må vi lægge vores brandhaner ud som åbne data, når nogle af dem står på privat grund?",
        "Vi vil lade borgere adoptere en brandhane og holde den fri for sne. Forsyningen har positionerne, men 41 af "
        "de 312 står inde på privat grund, og nu er hele datasættet lagt i en skuffe.\n\nEr en brandhane en "
        "personoplysning?",
        14,
        barriers=("regler", "vaner"),
        voters=("anna", "birk", "farid"),
        answers=(
            Reply(
                "farid",
                "Nej. Positionen på en brandhane siger noget om en brandhane. Den bliver ikke til en personoplysning "
                "af at stå i en have; adressen kan enhver se fra vejen.\n\nDet, I skal se på, er i stedet "
                "forsyningens aftale om ledningsdata: den handler om *ledninger i jord*, ikke om haner over jord. "
                "Skriv til dem, at I lægger hanerne ud den 1., hvis de ikke har indvendinger. Vi fik intet svar, og "
                "så lå de der.",
                0.6,
                voters=("anna", "david", "eva"),
                accepted=True,
                comments=(
                    Reply("david", "De ligger der nu! Atten er allerede adopteret, og det har ikke sneet endnu.", 9),
                ),
            ),
            Reply(
                "anna",
                "Hos os tog vi de private fra i første omgang. Det tog en formiddag, og så var resten ikke længere "
                "noget, nogen ville bruge et møde på.",
                1.1,
                voters=("david",),
            ),
        ),
    ),
    Question(
        "lederen",
        "udfordrere",
        "eva",
        "Lederen siger ja, og økonomi siger nej. Hvem taler I med først?",
        "Tredje gang på et år. Idéen koster 12.000 kr. og har en leder, der bakker op. Så kommer den til økonomi, hvor "
        "ingen har været med, og så er det for sent at forklare den.\n\nTager I økonomi med fra begyndelsen, eller "
        "finder I pengene et andet sted?",
        5,
        barriers=("kultur", "politik"),
        voters=("birk", "david"),
        answers=(
            Reply(
                "anna",
                "Økonomi først, men uden et tal. Jeg spørger: *Hvad skulle der til, for at I ville synes, det her var "
                "en god brug af 12.000 kr.?* Så er det deres idé, når jeg kommer igen.",
                0.8,
                voters=("eva", "camilla"),
            ),
        ),
        comments=(Reply("david", "Er det drift eller anlæg? Det gør hele forskellen hos os.", 0.4),),
    ),
    Question(
        "budget",
        "udfordrere",
        "farid",
        "Has anyone run participatory budgeting for less than 50,000 kroner?",
        "Our village councils would like residents to decide on small sums: a bench, a football goal, a film night. "
        "Everything I find is about millions and needs a platform.\n\nWhat is the smallest set-up that people still "
        "took seriously?",
        2,
        barriers=("politik",),
        language="en",
        voters=("eva",),
    ),
)

NOTES = (
    (
        "camilla",
        "Gå-hjem-møde på torsdag kl. 16 på Vesterlund Bibliotek: *Sådan fik vi et ja*. Tre korte fortællinger, et "
        "langt bord og suppe. Kom, også hvis du fik et nej. #gåhjemmøde",
        6,
        "public",
    ),
    ("david", "Brandhane nr. 18 er adopteret. Af en børnehave. 🧯 #åbnedata", 3, "public"),
    ("anna", "Til jer, der følger mig: jeg øver mig på at sige *prøv* i stedet for *pilotprojekt*.", 1, "followers"),
)


@dataclass(frozen=True)
class Told:
    """A report of experience. `days` ago; `since`: what happened then, how it stood, and how many days ago."""

    key: str
    community: str
    author: str
    title: str
    abstract: str
    parts: dict[str, str]
    obstacles: dict[str, str]
    phase: str
    outcome: str
    days: float
    municipality: str = ""
    kle: str = ""
    rule_url: str = ""
    co_authors: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    """Keys of questions."""
    adapted_from: str = ""
    since: tuple[str, str, str, float] | None = None
    example: bool = False
    voters: tuple[str, ...] = ()


REPORTS = (
    # The three that started it all, told in our own words; where they can be read stands in each.
    Told(
        "goodgym",
        "udfordrere",
        "birk",
        "GoodGym: løbeturen går forbi en, der ikke får besøg",
        "Løbere i Østlondon løb i forvejen. Nu går turen forbi en ældre nabo, der får en avis, en snak og en grund til at "
        "åbne døren. Det begyndte i 2009 og findes i dag i mange britiske byer.",
        {
            "wanted": "Ivo Gormley ville i form, men kunne ikke se meningen med at løbe på et bånd. I nærheden boede "
            "Terry, som sjældent kom ud. Så løb han derhen med avisen to gange om ugen.",
            "tried": "De kaldte den ældre for *coach*: Det er løberen, der får hjælp til at komme ud. Ved siden af kom "
            "fælles løb med en opgave for enden: jord, der skal flyttes, varer, der skal sorteres i en fødevarebank.",
            "decided": "Ingen spurgte en forvaltning først. Foreningen var i gang, da kommunerne kom med.",
            "cost": "Løbesko. Senere en lønnet træner i hver by og et system til at fordele opgaver.",
            "happened": "Fra én løber til en landsdækkende velgørende organisation.\n\nKilder: "
            "[Ivo Gormley i HuffPost, 2015](https://www.huffingtonpost.co.uk/ivo-gormley/combining-exercise-with-d_b_8262912.html), "
            "[East London Advertiser](https://www.eastlondonadvertiser.co.uk/news/tower-hamlets-good-gym-is-a-runaway-success-3420910).",
            "value_citizens": "Et fast besøg for den ene, et fast løb for den anden.",
        },
        {
            "regler": "Løberne går ind i hjemmet hos mennesker, der kan være sårbare. De bad om straffeattest og holdt to "
            "samtaler med hver, før nogen løb af sted.",
            "kultur": "Hjælp er noget, en professionel giver. Her er det en nabo i svedigt tøj.",
        },
        "drift",
        "lykkedes",
        18,
        contacts=("birk",),
        linked=("loebere",),
        example=True,
        voters=("anna", "camilla", "eva"),
    ),
    Told(
        "hydrant",
        "aabne_data",
        "david",
        "Adopt-a-Hydrant: borgere graver byens brandhaner fri for sne",
        "Boston lagde sine brandhaner på et kort, så borgere kunne tage én og love at holde den fri for sne. Idéen blev "
        "til sirener i Honolulu og er lige så meget en aftale som et program.",
        {
            "wanted": "I januar 2011 lå Boston under sne, og brandvæsenet gravede haner fri, før det kunne slukke. Der er "
            "omkring 13.000 af dem. Der bor som regel nogen lige ved siden af.",
            "tried": "Erik Michaels-Ober fra Code for America byggede et lille kort over åbne data: vælg en hane, giv den et "
            "navn, hold den fri. Glemmer du den, kan naboen tage den fra dig. Koden blev lagt frit frem.",
            "happened": "Honolulu brugte den samme kode til tsunamisirener, som borgere lytter efter ved den månedlige "
            "prøve.\n\nKilder: [AccuWeather, 2014](http://www.accuweather.com/en/weather-news/smartphone-app-tsunami-warning/25426378), "
            "[L’Atelier BNP Paribas](https://atelier.bnpparibas/en/smart-city/article/boston-crowdsourcing-fire-hydrants-serviceable), "
            "[Atlas of the Future om Honolulu](https://atlasofthefuture.org/project/adopt-a-siren/).",
            "value_economy": "Mandskab til det, kun mandskab kan.",
        },
        {
            "vaner": "Sådan noget bestilles, udbydes og driftes. Her var det en aften ved en computer.",
            "bureaukrati": "Hvem ejer listen over haner, og hvem må lægge den frem?",
        },
        "drift",
        "lykkedes",
        17,
        contacts=("david",),
        linked=("brandhaner",),
        example=True,
        voters=("farid", "birk"),
    ),
    Told(
        "crowdculture",
        "udfordrere",
        "eva",
        "Crowdculture: små bidrag fra mange styrer de offentlige kulturkroner",
        "I Sverige lagde borgere 50 kroner om måneden i kulturprojekter, de ville se blive til noget, og offentlige midler "
        "fulgte med. Stockholm og flere regioner prøvede det fra 2010.",
        {
            "wanted": "Spørgsmålet var: Hvordan ville vi fordele kulturstøtte, hvis vi fandt på den i dag? Svaret var at lade "
            "flere end et udvalg af kendere bestemme.",
            "tried": "Kommunikationsbureauet Fabel og forskningsinstituttet SICS lavede en side, hvor den enkeltes bidrag "
            "trækker offentlige midler med sig. Stockholm prøvede i tre måneder i 2010; siden kom Blekinge, Södra "
            "Småland, Sörmland og Dalarna med.",
            "decided": "Regionerne tog en sum fra den projektstøtte, de havde i forvejen.",
            "happened": "Omkring 30 projekter fik penge ad den vej i de "
            "første år. Platformen er ikke længere i brug som dengang.\n\nKilder: [ERCIM News]"
            "(https://ercim-news.ercim.eu/en86/ri/crowdsourcing-culture-with-a-twist), "
            "[ArcticStartup](https://arcticstartup.com/crowdculture-crowdfunding-public-money-europe/), "
            "[Fabel, 2010](https://fabel.se/2010/09/01/crowdculture-testas-i-3-manader/).",
            "value_citizens": "Den, der aldrig ville skrive en ansøgning, kan få ti naboer til at lægge 50 kroner.",
        },
        {
            "politik": "Hvem har ansvaret for, at det bliver god kunst, når ingen har valgt den?",
            "kultur": "Kulturstøtte er noget, kendere fordeler til dem, de kender.",
        },
        "stoppet",
        "delvist",
        16,
        contacts=("eva",),
        example=True,
        voters=("anna",),
    ),
    # and what our own people did with it
    Told(
        "loeb_i_aabakke",
        "udfordrere",
        "camilla",
        "Sådan kom løberne i gang i Åbakke på elleve dage",
        "Foreningen er vært, ikke kommunen. Så er det naboskab, og ingen skal visiteres. Vi startede med ni løbere og fjorten "
        "ældre.",
        {
            "wanted": "At de, der løber alligevel, løber forbi nogen, der gerne vil se et menneske.",
            "tried": "Vi holdt op med at kalde det en *indsats*. Den ældre melder sig selv på biblioteket, og papiret "
            "makuleres efter turen.",
            "decided": "Formanden for løbeklubben. Udvalget fik det at vide bagefter.",
            "rule": "Børneattestloven § 2: Den handler om børn under 15.",
            "cost": "En hylde på biblioteket og to kander kaffe om ugen.",
            "happened": "Første tur efter elleve dage. To løbere faldt fra, da det blev mørkt.",
            "value_citizens": "Fjorten, der ved, hvilken dag det er.",
            "value_staff": "Biblioteket fik en grund til at snakke med dem, der kun kom for at læse avis.",
        },
        {
            "regler": "Juristen bad om børneattest for besøg hos folk på 84.",
            "bureaukrati": "Tre afdelinger ville visitere, før nogen måtte ringe på.",
        },
        "pilot",
        "delvist",
        15,
        municipality="0751",
        kle="27.35",
        rule_url="https://www.retsinformation.dk/eli/lta/2005/520",
        co_authors=("eva",),
        contacts=("farid", "camilla"),
        linked=("loebere",),
        adapted_from="goodgym",
        since=(
            "Nu er det 31 løbere og 40 ældre, og **ingen** har spurgt efter en visitation siden januar. Det, der holdt, var "
            "papiret på biblioteket.",
            "drift",
            "lykkedes",
            3,
        ),
        voters=("anna", "birk", "david"),
    ),
    Told(
        "haner_i_havby",
        "aabne_data",
        "david",
        "Vi adopterede 18 brandhaner, før forsyningen sagde nej til de sidste",
        "Hanerne på offentlig vej gik let. Dem på privat grund strandede på en aftale om ledningsdata, som ingen havde læst.",
        {
            "wanted": "At borgere holder brandhanen ved deres hus fri for sne.",
            "tried": "Et kort med 312 haner og et brev til forsyningen om, at vi gik i luften den 1.",
            "decided": "Forsyningens jurist.",
            "happened": "18 er adopteret, 41 ligger i en skuffe.",
        },
        {"regler": "Aftalen om ledningsdata.", "vaner": "Data er noget, man beder om."},
        "implementering",
        "endnu-ikke",
        8,
        municipality="0101",
        contacts=("david",),
        linked=("brandhaner",),
        adapted_from="hydrant",
        voters=("farid",),
    ),
    Told(
        "kaffe",
        "udfordrere",
        "anna",
        "Økonomi sagde nej tre gange til 12.000 kroner. Her er hvorfor",
        "Vi kom med en løsning og et tal. De ville have været spurgt, før der var et tal.",
        {
            "wanted": "Et kaffebord på biblioteket hver torsdag.",
            "tried": "Tre indstillinger, hver gang bedre skrevet.",
            "decided": "Økonomiudvalget, uden debat.",
            "happened": "Nej. Fjerde gang spurgte vi i stedet, hvad der skulle til.",
        },
        {
            "politik": "Ingen ville eje et nyt bevillingsønske i et valgår.",
            "kultur": "Man går ikke til økonomi uden et tal.",
        },
        "stoppet",
        "nej",
        4,
        municipality="0461",
    ),
)


@dataclass(frozen=True)
class Principle:
    """A dogma. `days` ago; of one that is adopted why and when, and what it became later."""

    key: str
    community: str
    """Empty for the network."""
    author: str
    title: str
    text: str
    days: float
    adopted: tuple[str, str, float] | None = None
    """By whom, why, and how many days ago."""
    endorsers: tuple[str, ...] = ()
    organisations: tuple[tuple[str, str], ...] = ()
    """Each with who speaks for it."""
    later: tuple[str, str, float] | None = None
    """Its text from then on, what has changed, and how many days ago."""
    renewed: tuple[str, ...] = ()
    """Who stands behind that too."""
    comments: tuple[Reply, ...] = ()
    practised: tuple[str, ...] = ()
    """Keys of reports."""


DOGMAS = (
    Principle(
        "deler",
        "udfordrere",
        "birk",
        "Vi deler også det, der gik galt",
        "Hver erfaring bliver fortalt med det, der stod i vejen, og det, der kom ud af den. Også når svaret blev et nej.\n\n"
        "Vi retter ikke i historien bagefter.",
        24,
        adopted=("camilla", "Det er det, vi blev enige om på det første møde.", 20),
        endorsers=("anna", "camilla", "david", "eva"),
        organisations=(("havby", "birk"), ("aabakke", "camilla")),
        later=(
            "Hver erfaring bliver fortalt med det, der stod i vejen, og det, der kom ud af den. Også når svaret blev et nej.\n\n"
            "Vi retter ikke i historien bagefter, og ingen skal stå til ansvar for at have prøvet.",
            "Ingen skal stå til ansvar for at have prøvet.",
            6,
        ),
        renewed=("anna", "eva"),
        comments=(
            Reply("david", "Hvad med det, kommunikation har skrevet om, før det blev fortalt?", 2),
            Reply("birk", "Så er det ikke en erfaring, men en pressemeddelelse.", 2.2),
        ),
        practised=("kaffe",),
    ),
    Principle(
        "spoerg",
        "",
        "farid",
        "Spørg, hvilken paragraf der menes",
        "Når nogen siger, at reglerne ikke tillader det, spørger vi venligt, hvilken regel det er. Kan ingen svare, prøver vi.",
        4,
        endorsers=("anna", "birk"),
        comments=(Reply("camilla", "Venligt er det vigtigste ord i den sætning.", 1),),
    ),
)


@dataclass
class World:
    """What was built, by the names used above."""

    people: dict[str, Actor] = field(default_factory=dict)
    organisations: dict[str, Actor] = field(default_factory=dict)
    communities: dict[str, Actor] = field(default_factory=dict)
    questions: dict[str, Post] = field(default_factory=dict)
    answers: dict[str, list[Post]] = field(default_factory=dict)
    notes: list[Post] = field(default_factory=list)
    reports: dict[str, Post] = field(default_factory=dict)
    meeting: Post | None = None
    dogmas: dict[str, Post] = field(default_factory=dict)


def build(db: Session) -> World:
    """Build the whole world in this transaction; it all happened within the last month."""
    world = World()
    with days_ago(30):
        sign_up(db, world)
        found(db, world)
    meet(db, world)
    for question in QUESTIONS:
        discuss(db, world, question)
    for author, text, days, visibility in NOTES:
        with days_ago(days):
            language = next(person.language for person in PEOPLE if person.username == author)
            draft = Draft(text=text, visibility=visibility, language=language)
            world.notes.append(composing.note(db, world.people[author], draft))
    with days_ago(2.5):
        reactions.boost(db, world.people["birk"], world.notes[1])
    settings.put(db, "demo", True)
    return world


def share(db: Session, world: World) -> World:
    """The reports of experience, among them the three examples that started it all, and a meeting."""
    for told in REPORTS:
        with days_ago(told.days):
            report = Report(
                told.title,
                told.abstract,
                told.parts,
                told.obstacles,
                told.rule_url,
                told.phase,
                told.outcome,
                told.municipality,
                told.kle,
            )
            around = sharing.Around(
                community=world.communities[told.community],
                contacts=tuple(world.people[name] for name in told.contacts),
                co_authors=tuple(world.people[name] for name in told.co_authors),
                linked=tuple(world.questions[key] for key in told.linked),
                adapted_from=world.reports.get(told.adapted_from),
            )
            post = sharing.publish(db, world.people[told.author], report, around)
            world.reports[told.key] = post
            for name in told.co_authors:
                co_authors.answer(db, world.people[name], post, yes=True)
            vote(db, world, post, told.voters)
            if told.example:
                sharing.choose_example(db, world.people["camilla"], post)
        if told.since is not None:
            said, phase, outcome, days = told.since
            with days_ago(days):
                sharing.follow_up(db, world.people[told.author], post, said, phase=phase, outcome=outcome)
    return hold(db, world)


def hold(db: Session, world: World) -> World:
    """A meeting in three weeks, one place too small."""
    day = (base.now() + timedelta(days=21)).replace(tzinfo=None, hour=16, minute=0, second=0, microsecond=0)
    plan = meetings.Plan(
        "Fyraftensmøde: Når jura siger nej",
        "Tre korte oplæg om, hvad der skete bagefter. Derefter bordsnak, hvor du kan få hjælp til dit eget nej.",
        "1. Farid: Paragraffen, der ikke var der\n2. Birk: Børneattesten\n3. Bordsnak\n4. Hvem tager fat i hvem?",
        day,
        day.replace(hour=18),
        place="Havby Bibliotek, 2. sal",
        street="Havnegade 4",
        postal_code="5990",
        town="Havby",
        accessibility="Elevator ved indgangen mod gården. Teleslynge i salen. Ring til Eva, hvis du skal hentes ved døren.",
        latitude=55.47,
        longitude=9.86,
        online_url="https://mode.havby.example/jura",
        online_hidden=True,
        capacity=3,
        by_like=True,
    )
    with days_ago(6):
        around = planning.Around(community=world.communities["udfordrere"])
        post = planning.publish(db, world.people["anna"], plan, around)
        world.meeting = post
        for name in ("birk", "eva", "camilla", "farid"):
            attending.sign_up(db, world.people[name], post, meetings.Way.WEB)
    with days_ago(2):
        composing.note(db, world.people["david"], Draft("Bliver det optaget?", language="da"), reply_to=post)
    run_together(db, world)
    return world


def agree(db: Session, world: World) -> World:
    """The dogmas: one that was adopted, endorsed and has a second version, and one that is proposed to the network."""
    for one in DOGMAS:
        author = world.people[one.author]
        with days_ago(one.days):
            community = world.communities[one.community] if one.community else None
            post = proposing.propose(db, author, proposing.Principle(one.title, one.text), community)
            world.dogmas[one.key] = post
        for reply in one.comments:
            with days_ago(one.days - reply.days):
                threads.comment(db, world.people[reply.author], post, Draft(text=reply.text, language="da"))
        if one.adopted is not None:
            by, why, days = one.adopted
            with days_ago(days):
                adopting.adopt(db, world.people[by], post, why)
        with days_ago(one.adopted[2] - 1 if one.adopted else one.days - 1):
            for name in one.endorsers:
                endorsing.endorse(db, world.people[name], post)
            for organisation, by in one.organisations:
                endorsing.endorse(db, world.people[by], post, organization=world.organisations[organisation])
        if one.later is not None:
            text, changed, days = one.later
            with days_ago(days):
                proposing.change(db, author, post, proposing.Principle(one.title, text), changed)
            with days_ago(days - 1):
                for name in one.renewed:
                    endorsing.endorse(db, world.people[name], post)
        for key in one.practised:
            if key in world.reports:
                links.put(db, world.reports[key], links.Tie.PRACTISES, [post.uri])
    return world


def run_together(db: Session, world: World) -> None:
    """A series of Birk's: the first was held, and has its minutes."""
    first = (base.now() - timedelta(days=9)).replace(tzinfo=None, hour=17, minute=0, second=0, microsecond=0)
    plan = meetings.Plan(
        "Løb og kaffe: Hvordan gik det i ugen?",
        "Fem kilometer i snakketempo, og bagefter kaffe på biblioteket. Kom med det, du sidder fast i.",
        starts=first,
        ends=first.replace(hour=19),
        place="Odense Hovedbibliotek",
        town="Odense",
    )
    with days_ago(20):
        around = planning.Around(community=world.communities["udfordrere"])
        post = planning.publish(db, world.people["birk"], plan, around)
        series.repeat(db, world.people["birk"], post, Pattern(Every.FORTNIGHT, count=4))
        attending.sign_up(db, world.people["eva"], post, meetings.Way.WEB)
    with days_ago(8):
        said = (
            "- Økonomi vil gerne være med fra begyndelsen. Hvem spørger dem hos jer?\n"
            "- Eva låner nøglen ud om torsdagen.\n\n"
            "Vi fandt ud af, at tre af os har skrevet den samme indstilling."
        )
        minutes.write(db, world.people["birk"], post, said, language="da")


def is_built(db: Session) -> bool:
    """Whether this database holds the world already."""
    return bool(settings.get(db, "demo", False))


def sign_up(db: Session, world: World) -> None:
    """The municipalities and the six people."""
    for username, (name, about) in MUNICIPALITIES.items():
        facts = Facts(name, summary=about, email_domains=(f"{username}.example",))
        world.organisations[username] = organizations.create(db, None, username, facts)
    for person in PEOPLE:
        account = accounts.create(
            db,
            username=person.username,
            email=f"{person.username}@{person.municipality}.example",
            password=PASSWORD,
            name=person.name,
            role=person.role,
            language=person.language,
        )
        actor = actors.by_handle(db, person.username)
        assert actor is not None
        municipality = MUNICIPALITIES[person.municipality][0]
        actors.update_profile(
            db,
            actor,
            summary_source=person.about,
            fields=[{"name": "Arbejdsplads", "value": municipality}, {"name": "Arbejde", "value": person.work}],
            topics=list(person.topics),
        )
        affiliations.request(db, actor, world.organisations[person.municipality], AffiliationClass.PUBLIC_BODY)
        accounts.confirm_email(db, account)
        world.people[person.username] = actor
    for username, editor in (("vesterlund", "eva"), ("havby", "birk"), ("aabakke", "camilla")):
        organizations.add_editor(db, world.people["anna"], world.organisations[username], world.people[editor])


def found(db: Session, world: World) -> None:
    """The communities."""
    for username, (name, founder, about, rules) in COMMUNITIES.items():
        world.communities[username] = communities.create(
            db, username, name, creator=world.people[founder], summary=about, rules=rules
        )


def meet(db: Session, world: World) -> None:
    """Everybody joins both communities and follows the two from the other municipalities he works with."""
    people = list(world.people.values())
    with days_ago(25):
        for number, person in enumerate(people):
            for community in world.communities.values():
                if follows.find(db, person.id, community.id) is None:
                    follows.request(db, person, community)
            for step in (1, 2):
                follows.request(db, person, people[(number + step) % len(people)])


def discuss(db: Session, world: World, question: Question) -> None:
    """Ask it, answer it, comment on it, vote, accept."""
    with days_ago(question.days):
        draft = Draft(text=question.text, title=question.title, barriers=question.barriers, language=question.language)
        asked = threads.ask(db, world.people[question.author], world.communities[question.community], draft)
        vote(db, world, asked, question.voters)
    world.questions[question.key] = asked
    world.answers[question.key] = []
    for reply in question.answers:
        with days_ago(question.days - reply.days):
            answered = threads.answer(db, world.people[reply.author], asked, Draft(text=reply.text, language="da"))
            vote(db, world, answered, reply.voters)
        world.answers[question.key].append(answered)
        comment(db, world, answered, question, reply.comments)
        if reply.accepted:
            with days_ago(question.days - reply.days - 0.1):
                threads.accept(db, world.people[question.author], asked, answered)
    comment(db, world, asked, question, question.comments)


def comment(db: Session, world: World, parent: Post, question: Question, replies: tuple[Reply, ...]) -> None:
    """Comments below one post."""
    for reply in replies:
        with days_ago(question.days - reply.days):
            draft = Draft(text=reply.text, language="da")
            vote(db, world, threads.comment(db, world.people[reply.author], parent, draft), reply.voters)


def vote(db: Session, world: World, post: Post, voters: tuple[str, ...]) -> None:
    """Each of the voters votes it up."""
    for voter in voters:
        reactions.vote(db, world.people[voter], post)


@contextmanager
def days_ago(days: float) -> Iterator[None]:
    """Let it be so many days ago. Ids tell that time as well: outside a story, no clock goes back so far."""
    offset, last = clock.offset, base._last
    clock.offset, base._last = offset - max(days, 0.0) * DAY, 0
    try:
        yield
    finally:
        clock.offset, base._last = offset, max(last, base._last)
