"""World descriptions, in English: one block of lines for each property."""

WORLD = {
    "opening_clause": """
{World} is a world where {clause}. So says the first line of the local chronicle, and nobody has yet found a reason to correct it.
It all began when it turned out that here {clause}. At first it seemed an accident, then a tradition, and by now {world} would not know how to live otherwise.
Imagine a place where {clause}. The locals call it {world} and are honestly surprised that it is different elsewhere.
""",
    "opening_phrase": """
“{phrase}”: that is how the guide books describe {world}, and for once the guide books do not lie.
Every world has a first sentence. Here it is “{phrase}”. Everything else unrolled from it like a ball of yarn, and the result is called {world}.
{World} begins with the words “{phrase}”; how it ends nobody knows yet.
""",
    "opening_named": """
{World}: that is what all the maps call this place, and behind these words there is a whole world.
The signpost says simply “{phrase}”. Its arrow points in all directions at once.
""",
    "geography": """
The heart of this world is {place1}. A little further on there is {place2}, and if you do not hurry, {place3} comes into view by evening. Everyone owns a map, mostly for wrapping up {food}.
Life is busiest in three spots: {place1}, {place2} and, of course, {place3}. There are so many short cuts between them that people still search for the shortest.
Every walk leads to one of three places: {place1}, {place2} or {place3}. The rest, say the old hands, has not been invented yet.
""",
    "people": """
People here make friends quickly and say goodbye slowly. Nothing is treasured like the {thing}: it is guarded, sung about, quarrelled over and made up over. In the evening all gather {place1.where} for the great local comfort, {food}.
It is customary to greet first, to argue until supper and to make up before dessert, which today is {food}. Each family has its own {thing}, and each is certain that theirs is the original.
""",
    "hook": """
Not that life is quiet. {Conflict} And lately an unsigned note was found {place2.where}; since then people look at each other a little more closely.
Of course, not everything runs smoothly. {Conflict} Then again, that may be why one wants to come back.
And yet changes are ahead. {Conflict} How it will end is up to those who live here, and each of them will tell it differently.
""",
    "short_clause": """
A world where {clause}, and where the news smells of {food}.
Here {clause}. And that is the most ordinary thing about it.
""",
    "short_phrase": """
“{phrase}”: a small world with a big character.
“{phrase}”. Also, people here believe in happy accidents and {food}.
""",
    "premises_clause": """
And all because {clause}.
That is what happens when {clause}.
What else would you expect where {clause}.
A reminder for visitors: here {clause}.
""",
    "premises_phrase": """
No wonder they say of us: “{phrase}”.
As the guide book has it: “{phrase}”.
For visitors, in brief: “{phrase}”.
In a word: “{phrase}”.
""",
    "theme": """
everyday wonders, and friendship grown out of shared habits
gentle irony about serious matters
finding one's place among those who have already accepted you
small events with large consequences
""",
    "technology": """
Cosy engineering: everything gets mended, nothing is thrown away, and the most useful inventions are made of whatever was at hand.
Progress goes on foot and often stops to admire the view.
A mixture of old mechanisms and surprising novelties; the manuals are written in verse.
""",
    "society": """
Society rests on favours: they are written down but never called in.
There are elders, youngsters and those who came late to the sharing-out; for some reason everyone listens to the last.
There is no authority but respect, and respect is earned with patience and cake.
""",
    "culture": """
The main arts are telling stories and keeping silent at the right moment. There are more holidays than days of the week, and each begins with {food}.
Culture stands on three things: conversation, walking and the {thing}.
""",
    "history": """
The first settlers came for the quiet and found each other. Then came {place1}, after it {place2}, and the rest grew by itself. There were no great wars, but there was the Great Argument: it lasted seven years, ended in a draw and gave the world three traditions and a museum.
The chronicle begins with a tea stain, and so the first hundred years are known from hearsay only. One thing is certain: long ago two people met {place1.where} and had something to talk about. The conversation has not stopped since.
""",
    "activities": """
long conversations {place1.where}
unhurried walks {place2.to}
""",
    "tales": """
The {thing} has vanished, and everybody searches except the one who knows.
A newcomer walks {place1.to} for the first time and becomes a guest of honour by mistake.
Two old opponents have to prepare a celebration together.
Somebody leaves kind notes {place2.where}.
""",
    "climate": """
Mild, with sudden attacks of fine weather; the rain keeps a timetable but runs late.
Four seasons, and a fifth one that comes when everybody is at home.
""",
    "resources": """
Patience, tea and stories; more of each is produced than can be spent.
The chief treasure is kept {place1.where} and lent on a word of honour.
""",
    "traditions": """
Once a year people exchange the most useless presents, and each turns out to be needed.
Before anything important one walks round it three times and asks the youngest for advice.
""",
    "magic": """
Domestic and weak: it helps to find what was lost and does not help against laziness.
There is no real magic, but suspiciously many coincidences.
""",
    "period": """
An eternal “recently”: long enough ago to be a legend, near enough to remember the smells.
Our own time, if it were never in a hurry.
""",
    "tongue": """
Plain speech with many local words; pauses count as words too.
""",
    "custom": """
Every lantern has a name.
A guest is first of all shown where the blankets are.
The word “urgent” is forbidden on Sundays.
""",
    "styles": """
soft watercolor illustration, warm light, honey and teal palette | soft watercolor illustration, warm light, honey and teal palette
storybook illustration, evening light, lilac and peach palette | storybook illustration, evening light, lilac and peach palette
layered paper cut illustration, clean shapes, mint and coral palette | layered paper cut illustration, clean shapes, mint and coral palette
mid-century poster, flat colours, mustard and navy palette | mid-century poster, flat colours, mustard and navy palette
cozy gouache painting, autumn light, rust orange and forest green palette | cozy gouache painting, autumn light, rust orange and forest green palette
dreamy night illustration, glowing lanterns, indigo and gold palette | dreamy night illustration, glowing lanterns, indigo and gold palette
pastel illustration, gentle dawn, rose and sky blue palette | pastel illustration, gentle dawn, rose and sky blue palette
fresh airy illustration, clear light, turquoise and sand palette | fresh airy illustration, clear light, turquoise and sand palette
""",
    "moods": """
cosy and slightly magical
bright, with a sly smile
dreamy and warm
""",
    "interpretation": """
A world where {clause} rests on those who live in it: each of them has an own answer to how one lives with that and enjoys it.
""",
    "interpretation_phrase": """
“{phrase}”: the characters were chosen to show this world from all sides, from the front door to the back stairs.
""",
    "cast_summary": """
There are some to argue, some to reconcile them and some to write down how it ended.
A motley company, but each has found a place and something to do.
""",
}
