"""Further subjects, in English: space, sea, magic, tech, nature, food."""

from generia_worker.simulator.lexicon.types import Theme

MORE: tuple[Theme, ...] = (
    Theme(
        key="space",
        stems=r"space|star(?:s|ship|ry)?\b|planet|galax|orbit|rocket|\bmars\b|\bmoon|astronaut|alien|cosm",
        names="""
Far Orbit
Station Almost There
The Milky Yard
""",
        places="""
the observatory | in the observatory | to the observatory | an observatory deck under a starry planet sky
the docking bay | in the docking bay | to the docking bay | a space station hall with round windows
the orbital greenhouse | in the orbital greenhouse | to the orbital greenhouse | a glass garden on a space station, planet behind
Earthview Crater | in Earthview Crater | to Earthview Crater | a moon base on a quiet planet surface
""",
        things="""
star map | a glowing star map
piece of meteorite | a glowing meteorite, planet symbol
log book | a ship's log book
spare space suit | a spare space suit
tame satellite | a small tame satellite, rocket symbol
""",
        foods="""
soup from a tube | a tube of soup, a mug of soup
comet ice cream | a bowl of sparkling ice cream
zero-gravity tea | a floating cup of tea
""",
        roles="""
navigator of quiet orbits | navigator of quiet orbits | a navigator in a space suit helmet
weightless gardener | weightless gardener | a gardener in a straw hat
keeper of airlocks | keeper of airlocks | an astronaut with a helmet
interpreter of alien | interpreter of alien | a translator with headphones
captain of a small tug | captain of a small tug | a captain in uniform
meteorite collector | meteorite collector | an explorer with a helmet
""",
        hobbies="""
counting shooting stars
writing to distant stations
growing lunar cucumbers
swimming in zero gravity
""",
        tags="""
space
orbit
stars
logbook
""",
        lore="""
Distances are measured not in miles but in songs that can be sung on the way.
Every evening the station turns so that the sunset lasts longer.
Weightlessness is held to be the best cure for a bad mood.
""",
        habits="""
the morning check of the stars
the evening call home
dancing with the gravity off
""",
        conflicts="""
Two crews found the same asteroid and have already given it different names.
The tea will run out before the next ship comes.
""",
        surnames="""
Starling
Orbison
Comet
Vacuum
""",
        emoji="🚀 ✨ 🪐 🌌 🛰️",
    ),
    Theme(
        key="sea",
        stems=r"\bseas?\b|ocean|\bships?\b|pirate|island|harbou?r|lighthouse|mermaid|sailor|boat|coast|port\b|underwater|octop|dolphin|whale|\bfish",
        names="""
Salt Cove
Fairwind Island
Harbour of Seven Gulls
""",
        places="""
the old lighthouse | in the old lighthouse | to the old lighthouse | an old lighthouse by the sea
the pier | on the pier | to the pier | a wooden pier by the sea with boats
the schooner's deck | on the schooner's deck | to the schooner's deck | a ship deck on the open sea
the Anchor Inn | in the Anchor Inn | to the Anchor Inn | a cozy seaside tavern
the cove | in the cove | to the cove | a quiet harbour bay with sailing ships
""",
        things="""
brass compass | a brass compass, anchor symbol
message in a bottle | a bottle with a letter
old spyglass | an old spyglass, ship symbol
bottomless chest | an old chest
sea shell | a big shell
""",
        foods="""
fish soup | a bowl of fish soup
lemon pie | a lemon pie
salted cocoa | a mug of cocoa
""",
        roles="""
lighthouse keeper | lighthouse keeper | a lighthouse keeper with a lantern
captain without a ship | captain without a ship | a captain in uniform
catcher of bottled letters | catcher of bottled letters | a sailor with a bottle
ship's cook | ship's cook | a ship's cook
maker of sea charts | maker of sea charts | a cartographer with rolled maps
interpreter of dolphins | interpreter of dolphins | a diver with a helmet
""",
        hobbies="""
tying knots
collecting shells
reading the waves
singing on deck
""",
        tags="""
sea
fairwind
harbour
anchor
""",
        lore="""
The weather is not forecast here; one comes to terms with it.
The gulls know all the news and gladly trade it for bread.
Once a year the sea goes to see how people live ashore, and it is always back in time.
""",
        habits="""
the morning round of the nets
letters in bottles on Wednesdays
songs on the pier until dark
""",
        conflicts="""
Two crews seek one treasure, and each has half of the map.
The lighthouse shines so brightly that the fish cannot sleep.
""",
        surnames="""
Anchorby
Squall
Tidewell
Shellcross
""",
        emoji="⚓ 🌊 🐚 ⛵ 🐬",
    ),
    Theme(
        key="magic",
        stems=r"magic|wizard|witch|spell|potion|fair(?:y|ies)|\bel(?:f|ves)\b|dragon|enchant|unicorn|sorcer",
        names="""
Spellborough
Valley of Minor Miracles
Moonlight Pass
""",
        places="""
the spell tower | in the spell tower | to the spell tower | a castle tower room full of spell books
the potion shop | in the potion shop | to the potion shop | a potion shop with glowing jars and flasks
the singing forest | in the singing forest | to the singing forest | a forest clearing with glowing lights
the dragon perch | on the dragon perch | to the dragon perch | a castle on a mountain with a perch
the yard of the charm school | in the yard of the charm school | to the charm school | a castle courtyard garden with lanterns
""",
        things="""
magic wand | a magic crystal wand
talking mirror | a talking mirror with a moon symbol
spell book | an old spell book
jar of moonlight | a jar of moon light
dragon's egg | a warm dragon egg, crystal symbol
""",
        foods="""
pumpkin elixir | a mug of pumpkin soup
surprise pie | a surprising pie
starry shortbread | star shaped cookies
""",
        roles="""
wizard's apprentice | wizard's apprentice | a young wizard apprentice
tuner of portals | tuner of portals | a wizard with a crystal
broom trainer | broom trainer | a witch with a broom
potion chemist | potion chemist | an alchemist with glasses and a flask
dragon nanny | dragon nanny | a dragon nanny with a warm scarf
reader of dreams | reader of dreams | a hooded dream reader
""",
        hobbies="""
collecting minor miracles
brewing potions against a bad mood
flying on whatever is at hand
talking to portraits
""",
        tags="""
magic
wonders
spelloftheday
dragons
""",
        lore="""
Spells do not work at once but exactly when you have forgotten them.
Dragons queue for buns like everybody else.
Magic cannot be bought, but it can be won in a fair argument.
""",
        habits="""
morning exercises with brooms
swapping dreams on Fridays
the evening of open portals
""",
        conflicts="""
The guild of potions is suing the guild of soups over a recipe.
Somebody bewitched the clocks, and now everyone is late for yesterday.
""",
        surnames="""
Spellman
Brewster
Moonwright
Dragonby
""",
        emoji="🔮 ✨ 🪄 🐉 🌙",
    ),
    Theme(
        key="tech",
        stems=r"robot|cyber|neural|program|hacker|android|technolog|future|futuristic|\bai\b|machine|steampunk|neon",
        names="""
Cogsworth
Neon Row
The City of Kind Machines
""",
        places="""
Neon Street | on Neon Street | to Neon Street | a neon city street at night
the automaton workshop | in the automaton workshop | to the automaton workshop | a robot workshop full of gears
the server tower | in the server tower | to the server tower | a server hall with glowing lights
the charging café | in the charging café | to the charging café | a cafe for robots
the antenna roof | on the antenna roof | to the antenna roof | a rooftop with antennas over a neon city
""",
        things="""
spare gear | a spare gear
sunset hologram | a sunset hologram
old floppy disk | an old floppy disk
grandfather's soldering iron | an old soldering iron with a lamp
runaway drone | a runaway drone, robot symbol
""",
        foods="""
honeyed engine oil | a mug of golden tea
pixel ramen | a bowl of noodles, a bowl of soup
reboot coffee | a cup of coffee
""",
        roles="""
therapist for robots | therapist for robots | a therapist with glasses and a notebook
debugger of dreams | debugger of dreams | a programmer with headphones
android watchmaker | android watchmaker | a mechanic with a loupe
archivist of dead links | archivist of dead links | an archivist with glasses
trainer of neural nets | trainer of neural nets | a coach in a tracksuit with headphones
welder of constellations | welder of constellations | a welder with a helmet
""",
        hobbies="""
soldering by candlelight
collecting old passwords
teaching manners to a toaster
drone racing
""",
        tags="""
robots
futureisnow
gears
update
""",
        lore="""
Robots have dreams here, and people help to interpret them.
Updates come on holidays, and a special cake is baked for them.
The most reliable interface is a polite request.
""",
        habits="""
the morning reboot
walking the drones
an evening of old firmware
""",
        conflicts="""
The lift in the main tower has developed a character and does not carry everyone.
Somebody gave everyone the same password, and now there are no secrets.
""",
        surnames="""
Gearhart
Solder
Bitwell
Coppertop
""",
        emoji="🤖 ⚙️ 💡 🔋 🛠️",
    ),
    Theme(
        key="nature",
        stems=r"forest|\bwoods?\b|trees?\b|mountain|river|bears?\b|fox|rabbit|squirrel|hedgehog|\bowls?\b|animal|nature|mushroom|jungle",
        names="""
Rustlewood
The Pine Republic
Great Glade
""",
        places="""
the edge of the wood | at the edge of the wood | to the edge of the wood | a sunny forest clearing
the hollow oak | in the hollow oak | to the hollow oak | a cozy room inside a big tree
the brook | by the brook | to the brook | a brook with a small bridge and trees
the mushroom glade | in the mushroom glade | to the mushroom glade | a mushroom glade garden with flowers
the hill with a cloud | on the hill with a cloud | to the hill with a cloud | a mountain meadow under clouds
""",
        things="""
basket of cones | a basket of pine cones, tree symbol
biggest mushroom | a huge mushroom, tree symbol
maple leaf | a maple leaf
last year's nest | an old nest, tree symbol
birch-bark note | a letter on birch bark paper
""",
        foods="""
blueberry tea | a cup of blueberry tea
nut pie | a nut pie
wild honey | a jar of honey and a cup of tea
""",
        roles="""
warden of the echo | warden of the echo | a forest ranger in a straw hat
squirrel post carrier | squirrel post carrier | a forest postal worker with a leather bag
mushroom expert | mushroom expert | a mushroom expert with glasses
keeper of paths | keeper of paths | a path keeper with a lantern
interpreter of birds | interpreter of birds | a bird translator with a feather
hoarder for a rainy day | hoarder for a rainy day | a cheerful hoarder with a warm scarf
""",
        hobbies="""
watching ants
weaving baskets
singing with the echo
gathering dew
""",
        tags="""
forest
rustle
path
wild
""",
        lore="""
News is carried by the wind and so arrives slightly ruffled.
Each tree remembers by name all who have sheltered from the rain under it.
Winter is met here in chorus, and spring one by one.
""",
        habits="""
the morning roll call of the birds
sharing supplies by the brook
an evening of tales under the oak
""",
        conflicts="""
Squirrels and jays cannot share the acorn bank.
The echo has begun to answer before it is asked.
""",
        surnames="""
Acornby
Glade
Pinewood
Brooks
""",
        emoji="🌲 🍄 🦊 🌿 🐿️",
    ),
    Theme(
        key="food",
        stems=r"bak(?:e|er|ing)|bread|kitchen|cook|chef|food|restaurant|caf[eé]|\bpies?\b|cake|cheese|chocolate|\btea\b|coffee|pastr|pancake|\bjam\b",
        names="""
Butterford
The City of Hot Trays
Cinnamon Court
""",
        places="""
the great bakery | in the great bakery | to the great bakery | a warm bakery with loaves
the spice market | at the spice market | to the spice market | a colourful spice market
the tea room under the stairs | in the tea room under the stairs | to the tea room under the stairs | a tiny tea room cafe
the cheese cellar | in the cheese cellar | to the cheese cellar | a kitchen cellar with shelves of cheese
First Pancake Square | on First Pancake Square | to First Pancake Square | a town square with market stalls
""",
        things="""
grandmother's rolling pin | an old rolling pin, loaf symbol
recipe book | an old recipe book
moody sourdough | a jar of sourdough, bread loaf
golden spoon | a golden spoon and a cup of tea
last doughnut | the last bun
""",
        foods="""
airy brioche | a fresh bun
soup of reconciliation | a bowl of soup
nine-layer honey cake | a honey cake
""",
        roles="""
night baker | night baker | a baker
taster of silence | taster of silence | a gourmet with a napkin and a bow tie
chef of the hot kitchen | chef of the hot kitchen | a chef
tea master | tea master | a tea master with a warm scarf
lemonade sommelier | lemonade sommelier | a sommelier with a bow tie
keeper of the sourdough | keeper of the sourdough | a baker with round glasses
""",
        hobbies="""
baking at midnight
collecting cake tins
guessing spices blindfold
tea ceremonies on the windowsill
""",
        tags="""
freshbread
delicious
recipeoftheday
bakery
""",
        lore="""
Quarrels are settled at table, and the loser washes up.
The clock does not strike the hour but when things are done: seven in the morning smells of vanilla.
Sourdough is handed down together with its moods.
""",
        habits="""
handing out crusts at dawn
arguing about the right soup
evening tea for the whole street
""",
        conflicts="""
Friends of a sweet breakfast do not greet friends of a savoury one.
The recipe that once reconciled two streets has gone missing.
""",
        surnames="""
Butterworth
Cinnamond
Crumpet
Loafley
""",
        emoji="🥐 🍰 ☕ 🧁 🍞",
    ),
)
