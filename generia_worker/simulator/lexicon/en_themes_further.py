"""Further subjects, in English: music, medieval, mystery, sky, winter, village."""

from generia_worker.simulator.lexicon.types import Theme

FURTHER: tuple[Theme, ...] = (
    Theme(
        key="music",
        stems=r"music|song|sing(?:er|ing)|orchestra|violin|piano|guitar|jazz|concert|choir|opera|\bband\b",
        names="""
Tuning Fork
The City of Quiet Violins
Chorus Valley
""",
        places="""
the summer stage | on the summer stage | to the summer stage | a park stage with lanterns
the sheet-music shop | in the sheet-music shop | to the sheet-music shop | a music shop full of instruments
the rehearsal hall | in the rehearsal hall | to the rehearsal hall | a rehearsal hall with a piano
the jazz café | in the jazz café | to the jazz café | a jazz cafe at night
""",
        things="""
untuned violin | a violin, musical note
tuning fork | a tuning fork, musical note
old record | a vinyl record, musical note
endless score | a music manuscript
""",
        foods="""
interval tea | a cup of tea
allegro pie | a fruit pie
do-re-mi toffee | a bowl of caramel cookies
""",
        roles="""
tuner of silence | tuner of silence | a piano tuner with glasses
first violin | first violin | a violinist with a bow tie
conductor of the courtyard | conductor of the courtyard | a conductor with a bow tie
street trumpeter | street trumpeter | a trumpeter with headphones
collector of melodies | collector of melodies | a collector of melodies with headphones
""",
        hobbies="""
whistling from notes
collecting records
writing lullabies
playing on wine glasses
""",
        tags="""
music
jazz
rehearsal
chorus
""",
        lore="""
Chords replace the traffic lights: one walks on major and waits on minor.
Every house has its own key, and guests knock in it.
Silence is performed standing.
""",
        habits="""
morning scales from the windows
swapping refrains
late-night jazz in the kitchen
""",
        conflicts="""
The drummer and the silence live on the same floor.
Nobody remembers the last bar of the anthem.
""",
        surnames="""
Fiddler
Overture
Bassett
""",
        emoji="🎵 🎻 🎷 🎹 🥁",
    ),
    Theme(
        key="medieval",
        stems=r"knight|\bking|queen|prince|castle|medieval|kingdom|sword|tournament|throne|palace",
        names="""
The Old Kingdom
Castle Sevendraughts
The Duchy of Warm Cloaks
""",
        places="""
the throne room | in the throne room | to the throne room | a castle throne hall
the tournament field | on the tournament field | to the tournament field | a tournament field with banners
the castle kitchen | in the castle kitchen | to the castle kitchen | a castle kitchen with loaves
the north tower | in the north tower | to the north tower | a castle on a hill with a tall tower
the market square | on the market square | to the market square | a medieval market square
""",
        things="""
dented shield | a dented shield, crown symbol
royal seal | a royal seal, crown symbol
rusty key to the gate | a rusty key
scroll of decrees | a paper scroll
""",
        foods="""
gingerbread | a honey cake
guards' stew | a bowl of soup
apple cider | a mug of cider tea
""",
        roles="""
part-time knight | part-time knight | a part-time knight with a helmet
court chronicler | court chronicler | a court chronicler with a beret
royal storyteller | royal storyteller | a storyteller with a crown pin and a scarf
squire | squire | a squire with freckles
jester and philosopher | jester and philosopher | a jester with a bow tie
innkeeper | innkeeper | an innkeeper with an apron
""",
        hobbies="""
fencing with spoons
embroidering coats of arms
riding by inspiration
writing ballads
""",
        tags="""
kingdom
knights
decreeoftheday
castle
""",
        lore="""
Deeds are entered in a register, and whoever skips one gets a reprimand.
Fights are polite here and reconciliations loud.
The king consults the kitchen more often than his counsellors.
""",
        habits="""
the morning raising of the bridge
reading decrees on the square
ballads by the fire
""",
        conflicts="""
The crown was sent for cleaning, and nobody remembers where.
The neighbouring kingdom lays claim to our sunset again.
""",
        surnames="""
Mailcoat
Herald
Troubadour
""",
        emoji="🏰 ⚔️ 👑 🛡️ 🐎",
    ),
    Theme(
        key="mystery",
        stems=r"detective|myster|ghost|vampire|noir|investigat|murder|gothic|haunted|\bfog|secret",
        names="""
Foggy End
The City of Thirteen Clues
Midnight Lane
""",
        places="""
the detective's office | in the detective's office | to the detective's office | a detective's office with a desk lamp
the foggy embankment | on the foggy embankment | to the foggy embankment | a foggy promenade with lamp posts
the Alibi Café | in the Alibi Café | to the Alibi Café | a late night cafe
the old clock tower | in the old clock tower | to the old clock tower | a clock tower workshop at night
the archive of incidents | in the archive of incidents | to the archive of incidents | an archive with tall shelves
""",
        things="""
clue number one | an evidence envelope, key symbol
cracked magnifier | a cracked magnifier, eye symbol
anonymous note | an anonymous letter
dark lantern | a dark lantern
""",
        foods="""
black coffee | a cup of coffee
suspicious pie | a suspicious pie
midnight broth | a bowl of soup
""",
        roles="""
private detective | private detective | a detective in a long coat
polite ghost | polite ghost | a hooded polite ghost
witness of everything | witness of everything | a witness with round glasses
archivist of riddles | archivist of riddles | an archivist with glasses
editor of the evening paper | editor of the evening paper | a newspaper editor with a bow tie
lamplighter | lamplighter | a lamplighter with a lantern
""",
        hobbies="""
crosswords in ink
shadowing pigeons
collecting alibis
walks in the fog
""",
        tags="""
mystery
investigation
clue
fog
""",
        lore="""
Everybody hides something here, usually a recipe.
The fog comes on Tuesdays and takes away needless details.
Ghosts pay their rent on time, unlike the living.
""",
        habits="""
the evening round of suspicious windows
swapping theories over coffee
reading the paper from the back
""",
        conflicts="""
The main clue is gone, and everyone is a little guilty.
Somebody writes letters in the name of the city.
""",
        surnames="""
Clueworth
Fogg
Alibay
""",
        emoji="🔍 🕯️ 🌫️ 🗝️ 🦉",
    ),
    Theme(
        key="sky",
        stems=r"\bsky\b|skies|cloud|airship|flying|balloon|\bwinds?\b|wings?\b|birds?\b",
        names="""
Cloud Dock
The Floating Isles
Upper Winds
""",
        places="""
the airship dock | at the airship dock | to the airship dock | a dock for airships among floating islands
the hanging garden | in the hanging garden | to the hanging garden | a hanging garden with flowers
the cloud farm | on the cloud farm | to the cloud farm | a floating farm in the clouds
the tower of winds | in the tower of winds | to the tower of winds | a tall tower on a floating island
""",
        things="""
paper kite | a kite, balloon symbol
jar of wind | a jar of wind, cloud symbol
ticket for a cloud | a paper ticket
prophetic weather vane | a weather vane, sun symbol
""",
        foods="""
cloud meringue | a meringue cake
high-altitude tea | a cup of tea
thunder lemonade | a glass of tea
""",
        roles="""
balloon pilot | balloon pilot | a balloon pilot with a scarf
cloud shepherd | cloud shepherd | a cloud shepherd in a straw hat
wind catcher | wind catcher | a wind catcher with a warm scarf
airship conductor | airship conductor | an airship conductor in uniform
keeper of rainbows | keeper of rainbows | a rainbow keeper with a flower
""",
        hobbies="""
flying kites
collecting sunsets from above
shearing clouds
writing to birds
""",
        tags="""
sky
clouds
fairwind
highup
""",
        lore="""
One cannot fall here: the wind politely puts you back.
Clouds are shorn twice a year, and scarves are knitted from the fluff.
Addresses change with the wind, so letters arrive smelling of thunder.
""",
        habits="""
the morning check of the winds
cloud shearing on Saturdays
a walk along the edge
""",
        conflicts="""
Two islands drift towards each other and neither will give way.
The north wind has gone on strike.
""",
        surnames="""
Windham
Cloudsley
Highmore
""",
        emoji="☁️ 🎈 🌬️ 🪁 🕊️",
    ),
    Theme(
        key="winter",
        stems=r"winter|snow|\bice\b|icy|frost|christmas|penguin|arctic|\bnorth",
        names="""
Snowy Row
Mittenham
North Tea
""",
        places="""
the ice rink | on the ice rink | to the ice rink | a town square with snow and lamp posts
the cabin with the stove | in the cabin with the stove | to the cabin with the stove | a cozy cabin room with a fireplace, snow outside
the ice library | in the ice library | to the ice library | an ice library
the fir-tree market | at the fir-tree market | to the fir-tree market | a winter market street with snow
""",
        things="""
lonely mitten | a single mitten, snowflake symbol
ice lantern | an ice lantern
stubborn sled | a sled, snowflake symbol
snow globe | a snow globe, snowflake symbol
""",
        foods="""
gingerbread cake | gingerbread cookies
cocoa with marshmallows | a mug of hot chocolate
cranberry pie | a cranberry pie
""",
        roles="""
keeper of warmth | keeper of warmth | a keeper of warmth in a knitted scarf
ice sculptor | ice sculptor | an ice sculptor in a woolly hat
post carrier on skis | post carrier on skis | a postal worker on skis in a knitted hat
master of snowdrifts | master of snowdrifts | a snow shoveller in a woolly hat
knitter of comfort | knitter of comfort | a knitter with a warm scarf
""",
        hobbies="""
snow portraits
knitting mittens
skating in circles
tasting cocoa
""",
        tags="""
winter
snow
mittens
cocoa
""",
        lore="""
Snow is stacked neatly here until called for.
Warmth is the currency: it is shared, and lent until spring.
The longest night is spent together, so that it seems shorter.
""",
        habits="""
clearing the paths in the morning
swapping mittens
an evening by the stove
""",
        conflicts="""
Spring came early and waits at the door, and nobody lets it in.
Somebody has eaten the chief snowman's nose.
""",
        surnames="""
Frostwick
Drift
Mittenby
""",
        emoji="❄️ ⛄ 🧣 🌨️ 🔥",
    ),
    Theme(
        key="village",
        stems=r"village|farm|countryside|garden|\bcows?\b|goat|chicken|orchard|harvest|cottage",
        names="""
Small Mercies
Farm Beyond the Hill
Appleford
""",
        places="""
the mill | at the mill | to the mill | a hill with an old mill and fields
the apple orchard | in the apple orchard | to the apple orchard | an apple orchard garden
the village shop | in the village shop | to the village shop | a village shop
the hay loft | in the hay loft | to the hay loft | a hay loft room with warm light
the well by the road | at the well by the road | to the well by the road | a village square with a well
""",
        things="""
leaky basket | an old basket, sun symbol
straw hat | a straw hat, sun symbol
goat's bell | a goat bell
biggest pumpkin | the biggest pumpkin, house symbol
""",
        foods="""
fresh milk | a mug of milk
apple pie | an apple pie
village bread | a loaf of bread
""",
        roles="""
chair of the kitchen garden | chair of the kitchen garden | a gardener in a straw hat
shepherd with a trombone | shepherd with a trombone | a shepherd in a straw hat
dreaming miller | dreaming miller | a dreamy miller with freckles
village teacher | village teacher | a village teacher with glasses
owner of the best pumpkin | owner of the best pumpkin | a proud farmer with a flower
""",
        hobbies="""
growing giant marrows
talking to hens
weaving wreaths
fishing without a rod
""",
        tags="""
village
harvest
garden
countrymorning
""",
        lore="""
News hangs on the fence here, next to the washing.
Pumpkins are grown for a bet, and bets are made to grow.
The cock retired long ago but still comes to wake people out of habit.
""",
        habits="""
the dawn round of the beds
sitting on the porch
the Sunday fair
""",
        conflicts="""
Two neighbours grow pumpkins on either side of one fence.
The goat has learnt to open gates and teaches the others.
""",
        surnames="""
Furrow
Appleyard
Haymaker
""",
        emoji="🌻 🐄 🧺 🌾 🍎",
    ),
)
