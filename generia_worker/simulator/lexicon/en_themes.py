"""Subjects, in English."""

from generia_worker.simulator.lexicon.en_themes_further import FURTHER
from generia_worker.simulator.lexicon.en_themes_more import MORE
from generia_worker.simulator.lexicon.types import Theme

THEMES = (
    Theme(
        key="cats",
        stems=r"cats?\b|kitt|feline|meow|purr|whisker",
        names="""
Purrland
The Whiskered Coast
Cattopolis
Valley of Warm Windowsills
""",
        places="""
the warm windowsill | on the warm windowsill | to the warm windowsill | a sunlit windowsill with cushions and sleeping cats
the yarn courtyard | in the yarn courtyard | to the yarn courtyard | a cozy courtyard full of yarn balls and cats
the fish market | at the fish market | to the fish market | a lively fish market with cats
the moonlit roof | on the moonlit roof | to the moonlit roof | a rooftop at night under a big moon with cats
the room of a thousand boxes | in the room of a thousand boxes | to the room of a thousand boxes | a room full of cardboard boxes with curious cats
the catnip walk | on the catnip walk | to the catnip walk | a garden alley of catnip with cats
""",
        things="""
ball of yarn | a big red ball of yarn
cardboard box | a cardboard box
silver bell | a silver bell
patchwork blanket | a patchwork blanket
patch of sunlight | a spot of sunlight
porcelain bowl | a porcelain bowl
""",
        foods="""
warm milk | a mug of warm milk
fish pie | a fish pie
cream pudding | a cream pudding
""",
        roles="""
keeper of yarn | keeper of yarn | a keeper of yarn balls, a fluffy cat
windowsill patrol | windowsill patrol | a windowsill patrol cat in a little cap
sour-cream taster | sour-cream taster | a gourmet cat with a napkin
teacher of purring | teacher of purring | a purring teacher cat with glasses
tracker of closed doors | tracker of closed doors | an explorer cat with a compass
rooftop astronomer | rooftop astronomer | an astronomer cat with a telescope
""",
        hobbies="""
sleeping in unusual poses
hunting patches of sunlight
choral purring
box tasting
""",
        tags="""
cats
purr
whiskers
windowsill
""",
        emoji="🐾 🐱 😺 🧶 🐟",
        lore="""
Time is measured in purrs here, and important decisions are only taken after the afternoon nap.
Hardly any closed doors are left in this world: each one is taken as a personal insult.
Respect depends not on rank but on the skill of lying down exactly where it is most comfortable.
By law, a box of any size belongs to whoever sits in it first.
""",
        habits="""
the morning round of the windowsills
evening purring in chorus
the midnight dash for no apparent reason
a solemn session in a box
""",
        conflicts="""
The eternal question of whose turn it is to warm the favourite armchair.
The Party of Soft Paws against the Party of the Loud Meow.
""",
        surnames="""
Purrington
Whiskerby
Softpaw
Mittens
Pouncewell
Creamwhistle
""",
        first_names="""
Biscuit | Clementine
Pickles | Duchess
Mouser | Marmalade
Tiberius | Snowdrop
Gizmo | Pumpkin
Smokey | Cleo
Waffles | Truffle
Mister Socks | Lady Mew
""",
    ),
    Theme(
        key="academia",
        stems="academ|student|universit|professor|scien|thes[ie]s|dissert|postgrad|lectur|faculty|school|college|dean|exam|librar|scholar|supervisor",
        names="""
The Endless Term
Academ-upon-Hill
University of the Last Exam
Alma Mater Heights
""",
        places="""
the old library | in the old library | to the old library | a grand old library with tall shelves and green lamps
the lecture hall | in the lecture hall | to the lecture hall | a wooden lecture hall with a blackboard
the attic faculty | in the attic faculty | to the attic faculty | an attic study full of books and papers
the quad | in the quad | to the quad | a university courtyard with ivy walls and students
the canteen | in the canteen | to the canteen | a cheerful student canteen
laboratory seven | in laboratory seven | to laboratory seven | a laboratory with glowing flasks
""",
        things="""
record book | a worn student record book
thesis | a thick thesis with bookmarks
piece of chalk | a piece of chalk
professor's briefcase | a leather briefcase
draft of the paper | a manuscript covered in red notes
borrowed gown | an oversized academic gown
""",
        foods="""
machine coffee | a paper cup of coffee
cabbage pie | a cabbage pie on a plate
tea from a thermos | a thermos of tea
""",
        roles="""
academic supervisor | academic supervisor | an academic supervisor in a tweed jacket with glasses
eternal postgraduate | eternal postgraduate | a tired postgraduate with a pile of papers
class representative | class representative | a diligent student with a checklist
chief librarian | chief librarian | a chief librarian with glasses
keeper of the chalk | keeper of the chalk | a keeper of chalk in a gown
dean of wonders | dean of wonders | a dean in a mortarboard
reviewer number two | reviewer number two | a stern reviewer with a red pen
""",
        hobbies="""
reading footnotes
collecting quotes from blackboards
night debates by the kettle
drawing up the ideal timetable
""",
        tags="""
students
exams
science
faculty
deadline
""",
        emoji="🎓 📚 ✏️ ☕ 🔬",
        lore="""
The year has two halves: the exams and the wait for the exams.
Posts are handed down together with a briefcase, and nobody remembers what lies at its bottom.
People argue loudly here, but with footnotes, and make up by the common kettle.
They say the main building has more floors than stairs; it is still somebody's thesis.
""",
        habits="""
the morning roll call
the seminar by the kettle
defending ideas in the open air
the ritual opening of a window before an exam
""",
        conflicts="""
The faculty of theory has not spoken to the faculty of practice for eleven years.
There is one grant and forty splendid ideas.
""",
        surnames="""
Footnote
Bookbinder
Chalkley
Proctor
Readwell
Inkpen
""",
    ),
    Theme(
        key="maths",
        stems=r"math|formula|theorem|latex|equation|integral|algebra|geometr|numbers?\b",
        names="""
Theorem
The City of Convergent Series
Integral Valley
""",
        places="""
Pythagoras Square | on Pythagoras Square | to Pythagoras Square | a town square with triangular tiles
the fractal garden | in the fractal garden | to the fractal garden | a garden of fractal trees
Euler's bridge | on Euler's bridge | to Euler's bridge | an elegant bridge over a river
Axis Avenue | on Axis Avenue | to Axis Avenue | a long straight avenue to the horizon
the tower of primes | in the tower of primes | to the tower of primes | a slender stone tower
""",
        things="""
pair of compasses | a brass compass for drawing circles
sheet with the proof | a sheet of paper covered in symbols
Möbius strip | a paper Moebius strip
slide rule | an old slide rule
unknown x | a wooden letter x
""",
        foods="""
pie of radius r | a round pie
theorem tea | a cup of tea
fractional shortcake | cookies broken in halves
""",
        roles="""
hunter of counterexamples | hunter of counterexamples | a mathematician with a butterfly net
guard of infinity | guard of infinity | a guard with a lantern and a chalkboard
tamer of series | tamer of series | a mathematician with a piece of chalk
geometer and builder | geometer and builder | a builder with a compass and a ruler
poet of proofs | poet of proofs | a poet with a notebook of formulas
""",
        hobbies="""
solving problems without a pencil
collecting prime numbers
folding Möbius strips
looking for beautiful proofs
""",
        tags="""
mathematics
theorem
formulaoftheday
qed
""",
        emoji="📐 ∞ 🧮 ✨",
        lore="""
Axioms take the place of laws here, and may only be changed all at once.
People greet each other with a proof and part with the words “which was to be shown”.
Distances are measured not in steps but in beautiful ideas along the way.
""",
        habits="""
a proof before breakfast
a walk along the shortest path
an evening of counterexamples
""",
        conflicts="""
Friends of the continuous will not share a table with friends of the discrete.
Somebody has divided by zero again, and the culprit is sought.
""",
        surnames="""
Theoremsby
Rootwell
Limit
Integer
Primrose
""",
    ),
    *MORE,
    *FURTHER,
    Theme(
        key="everyday",
        stems="",
        names="""
Quiet Harbour
The Town by the Warm River
Good News Lane
Seven Lanterns
Valley of Open Windows
Bright Crossing
""",
        places="""
the town square | on the town square | to the town square | a sunny town square with a fountain
the corner bakery | at the corner bakery | to the corner bakery | a warm corner bakery
the old bridge | on the old bridge | to the old bridge | an old stone bridge over a river
the carousel park | in the carousel park | to the carousel park | a park with a carousel
the last tram stop | at the last tram stop | to the last tram stop | a quiet tram stop at the edge of town
the roof of the old house | on the roof of the old house | to the roof of the old house | a rooftop over the city at dusk
the riverside | by the riverside | to the riverside | a riverside promenade with lanterns
""",
        things="""
yellow umbrella | a yellow umbrella
old bicycle | an old bicycle
map of the town | a hand drawn city map
copper key | a copper key
squared notebook | a small notebook
radio set | an old radio
spare chair | a lonely wooden chair
""",
        foods="""
cinnamon toast | a cinnamon bun
mint tea | a cup of mint tea
cherry pie | a cherry pie
hot chocolate | a cup of hot chocolate
""",
        roles="",
        hobbies="",
        tags="""
ourtown
morning
walk
neighbours
""",
        emoji="☕ 🌿 ✨ 🙂 🌤️",
        lore="""
News is known here before it happens, and still comes as a surprise.
Everyone has a favourite bench, and swapping benches is a sign of great friendship.
Laws are few, but there are so many traditions that people note them on the backs of receipts.
In the evening the lanterns are lit, and each of them is known by name.
""",
        habits="""
the common breakfast at weekends
swapping books on the bridge
an evening walk without a purpose
conversations from balcony to balcony
""",
        conflicts="""
The two best bakeries face each other across the street.
Nobody can agree at what hour the evening begins.
""",
    ),
)
