"""People, in English."""

from generia_worker.simulator.lexicon.types import People

PEOPLE = People(
    first_names="""
Arthur | Agnes
Basil | Beatrice
Casper | Clara
Dexter | Daphne
Edmund | Edith
Felix | Flora
Gideon | Greta
Hugo | Hazel
Isaac | Ivy
Jasper | Josephine
Kit | Kira
Leopold | Luna
Milo | Mabel
Nestor | Nora
Oscar | Olive
Percy | Penelope
Quentin | Queenie
Rufus | Rosalind
Silas | Sylvie
Theo | Thea
Ulysses | Una
Victor | Viola
Wilbur | Willa
Xavier | Xenia
Yorick | Yara
Zachary | Zelda
Ambrose | Astrid
Barnaby | Bonnie
Cornelius | Cora
Elliot | Esme
Fergus | Freya
Otto | Odette
""",
    surnames="""
Applegate
Bellweather
Crumb
Dovetail
Fernsby
Gooseberry
Hartwell
Inkwood
Juniper
Kettle
Lanternly
Marsh
Nightingale
Oakley
Pemberton
Quill
Rainwright
Saltmarsh
Thistle
Underhill
Vale
Whitlock
Yarrow
Button
Copperfield
Moonbeam
Finch
Bramble
""",
    epithets="""
the Unhurried
of the Third Floor
the Almost Brave
Two-Umbrellas
the Quiet
who Knows a Shortcut
the Thoughtful
of the Long Scarf
""",
    titles="""
Doctor | Doctor
Uncle | Auntie
Grandpa | Grandma
Captain | Captain
Maestro | Maestro
Old | Little
""",
    roles="""
romantic postman | romantic postwoman | a romantic postal worker with a leather bag
night watchman | night watchwoman | a night watch with a lantern
collector of rumours | collector of rumours | a cheerful gossip columnist with a notebook
watchmaker | watchmaker | a watchmaker with a loupe
street musician | street violinist | a street violinist
keeper of the odds-and-ends shop | keeper of the odds-and-ends shop | a keeper of a curiosity shop
local photographer | local photographer | a photographer with an old camera
inventor of umbrellas | inventor of umbrellas | an inventor with a strange umbrella
town crier | town crier | a town crier with a scroll
keeper of keys | keeper of keys | a keeper of many keys
part-time gardener | part-time gardener | a gardener in a straw hat
cartographer | cartographer | a cartographer with rolled maps
conductor of the last tram | conductor of the last tram | a tram conductor in uniform
weather presenter | weather presenter | a weather presenter with a bright scarf
restorer of old letters | restorer of old letters | a restorer of old letters
slow-walking coach | slow-walking coach | a calm coach in a tracksuit
aspiring poet | aspiring poet | a young poet in a beret
collector of sunsets | collector of sunsets | a dreamer with a small telescope
sign painter | sign painter | a sign painter with brushes
chronicler of the courtyard | chronicler of the courtyard | a chronicler with an inkwell
""",
    hobbies="""
calligraphy
cloud watching
knitting scarves of indecent length
board games for three
collecting tickets
morning runs to the bakery
photographing puddles
chess by letter
playing the ukulele
growing basil
studying old maps
reading aloud
origami
hunting for funny signs
""",
    traits="""
curious
stubborn
observant
dreamy
meticulous
generous
wry
fearless
shy
restless
sensible
hot-tempered but quick to forgive
attentive to detail
competitive
sentimental
a person of few words
""",
    drives="""
Dreams of tidying up everything in sight, one day.
Values the {thing} and an honest talk above all.
Is writing a book that has one chapter so far, but what a chapter.
Is looking for whoever leaves notes {place.where}.
Is determined to win an argument that began long before any of us.
Is preparing a speech about the broken lamp {place.where}.
Believes that the {thing} will yet change the course of history.
Is secretly learning to dance and hopes that nobody notices.
Collects the stories of passers-by and writes each one down by hand.
Does one good deed a day and tells nobody but the followers.
Is trying to prove that miracles run on a timetable.
Would walk halfway round the world rather than be late for supper.
""",
    bios="""
{Role}. Mostly to be found {place.where}. I write about what others had no time to notice.
{Role} and something of a philosopher. Hobby: {hobby}. I believe in {food} and second chances.
{Role} by day, tourist at heart. Do not touch the {thing}; anything else is fine.
{Role}. Up early, late to bed, amazed in between.
Just your {role}, living {place.where}. The rest is complicated.
{Role}. Main pursuit: {hobby}. Slow to answer, but honest.
{Role}, reporter of small wonders. If something smells good, there is {food} nearby.
Officially: {role}. Unofficially: guarding the {thing} from oblivion.
""",
    backgrounds="""
{Name} grew up {place.where}, and every other place has felt a little foreign since. The first great find was the {thing}: worth nothing, but it began a habit of noticing small things. Today this is our {role}, and nobody can imagine this life without the {thing}. Asked about the past, {name} shrugs and offers {food}.
{Name} came here for a week and stayed for good; {food} and one conversation {place.where} are to blame. Three trades were tried and dropped until the right one turned up: {role}. The neighbours are respectful, the children adore it, the authorities are slightly afraid.
{Name} is one of those who were born with a question. The family keeps the {thing}, and legend says that everything began with it. Long years went into becoming what stands here now: a {role}. A rest comes next, according to a plan that keeps changing.
Nobody quite remembers when {name} first appeared {place.where}. Some say last spring, some are sure it was always so. One thing is known: no other {role} makes people stop and watch.
""",
    personalities="""
{trait1}, {trait2} and, for good measure, {trait3}. Listens first, jokes second, then helps.
{trait1} and {trait2}. Cannot stand a rush but loves surprises, provided that they are home-made.
{trait1} on the outside, {trait2} within. Friends would add {trait3}, and ask you not to pass it on.
{trait1} to a fault, {trait2} when the mood is right. Fights to the end of an argument, then puts the kettle on.
""",
    looks="""
A warm gaze, slightly ruffled hair and the eternal scarf. There is always something useful in one pocket.
Not tall, very upright, with watchful eyes. Plain clothes with one bright detail.
Round glasses, a dimple and the walk of someone who is never late.
A long coat with a dozen pockets and a smile that can be seen from afar.
A neat collar, rolled-up sleeves and a string tied round the wrist as a reminder.
""",
    styles="""
Speaks in short sentences and likes to add: “{catch}”
Tells things at length, with detours, and ends with: “{catch}”
Writes as if whispering in your ear. Favourite phrase: “{catch}”
Jokes with a straight face. When all is well, adds: “{catch}”
""",
    catchphrases="""
Such is life.
And that was only the morning.
I am writing this down.
Who would have thought.
Tested on myself.
Cross my heart.
You are welcome.
To be continued.
There you have it.
More or less.
Small, but mine.
The tea won't drink itself.
All for the best, even this.
Let the record show it.
Steady now.
It would be funny if it were not true.
""",
    secrets="""
Writes letters to a future self every night and hides them {place.where}.
Was the reason why the {thing} once went missing; putting it back was easier than owning up.
Is more afraid of losing the {thing} than of the dark.
Runs the most popular advice column under another name.
Bakes better than anyone and hides it so as not to be asked.
Knows a short cut {place.to} and takes the long way on purpose.
""",
    routines="""
Up before dawn, a round of favourite places, the first {food} of the day, then work {place.where} and notes in the evening.
Silence and work until noon, people and talk after it. In the evening, the obligatory walk {place.to} and back.
The morning begins with a question, the day with an answer, the evening with a doubt. In between: {food}.
Rises with the first light, opens the windows, checks that the {thing} is still there, and only then says hello.
""",
    relations="""
friendship | They lived through a story that each of them tells differently.
good-natured quarrel | They argue daily and miss it when they do not.
neighbours | They share a wall, a kettle and the news.
common project | They meet {place.where} and build something nobody may see yet.
secret admiration | Reads every post and never likes it first.
mentorship | Teaches what is still being learnt.
eternal rivalry | Who is quicker, who is neater, who first admits a draw.
recipe exchange | It began with one plate of {food} and has gone on for years.
""",
    connections="""
old friends | They met {place.where} and never finished the argument.
friendly rivals | Each is sure that the {thing} is rightfully theirs.
mentor and pupil | They teach each other, on different days of the week.
neighbours | Everything can be heard through the wall, so there are no secrets.
shared secret | Only they know why a light still burns {place.where}.
""",
    stories="""
The Night the Lights Went Out | One evening the lights went out {place.where}, and everybody told stories until morning. Each still believes that theirs was the best. | warm comedy
The Great Disappearance | One thing went missing: the {thing}. The whole world searched; it turned up next day in the most obvious place. | mystery
A Party for No Reason | Somebody brought {food}, somebody brought chairs, and the party started by itself. A reason was found afterwards. | family tale
The Quarrel of the Century | It began {place.where} over nothing and became a legend. Result: a draw and a tradition. | satire
The Uninvited Guest | A stranger once came {place.to} with a single question. The answer is still awaited. | riddle
""",
)
