"""What posts are about, in English. Titles are unique and their slots can be read back out of them."""

from generia_worker.simulator.lexicon.types import Topic

TOPICS = (
    Topic(
        "Morning {place.where}",
        "calm",
        """
I was the first to come {place.to} today, and it was the best decision of the week.
It is so quiet that you can hear the {thing} think.
The first ray fell right on the {thing}, and I forgot where I was hurrying.
Half an hour later everybody poured in, but those thirty minutes were mine.
Recipe for a good morning: {food}, no talking and a view.
""",
    ),
    Topic(
        "Missing: the {thing}",
        "excited",
        """
The disappearance of the century: the {thing} is gone.
It was last seen {place.where}, towards evening.
The finder gets {food} and eternal gratitude.
The main suspect says nothing and smiles suspiciously.
I have searched everywhere, including places where it is embarrassing to search.
""",
    ),
    Topic(
        "Who gets the {thing}",
        "sly",
        """
For the third day running people argue {place.where} about who gets the {thing}.
I suggested tossing a coin, but then there was the question of who gets the coin.
The arguments: “we saw it first” and “we wanted it first”.
By evening all had made up except those who had been arguing.
The verdict: even days for some, odd days for others, and on Sundays it rests.
""",
    ),
    Topic(
        "A new hobby: {hobby}",
        "cheerful",
        """
I seem to have a new hobby: {hobby}.
It started small, and now it takes up half my room.
Friends nod and quietly move the {thing} out of my reach.
The results are so-so, but the spirit is magnificent.
If you would like to try, we meet {place.where} after lunch.
""",
    ),
    Topic(
        "Ode to the {thing}",
        "solemn",
        """
I have long wanted to say it aloud: the {thing} is not a mere object, it is a character.
Together we have survived three moves, one flood and a very long talk about the weather.
Without the {thing} my day starts on the wrong foot.
They say that objects cannot hear us. I think that they are simply well brought up.
I dusted it today and said thank you. Just in case.
""",
    ),
    Topic(
        "Recipe of the day: {food}",
        "warm",
        """
Sharing what is only passed on in whispers here: {food}.
Take everything you love and do not ask how many grams.
The secret is to stir anticlockwise and think of something nice.
The first helping vanished before it had cooled.
Do not make it {place.where}: the smell brings everybody.
""",
    ),
    Topic(
        "A strange sound {place.where}",
        "mysterious",
        """
For the second night there is a strange sound {place.where}.
First we blamed the wind, then the neighbours, then the {thing}.
I took a lantern, gathered my courage and went to look.
The answer was so sweet that people now come on purpose to listen.
If you listen closely, it is almost a lullaby.
""",
    ),
    Topic(
        "The letter found {place.where}",
        "dreamy",
        """
A letter turned up {place.where}, without a name and without an address.
There was a single line in it: “You are doing fine, keep going.”
We decided that it was written to each of us.
I read it ten times over and kept going.
If the author sees this: thank you, it has arrived.
""",
    ),
    Topic(
        "Weather forecast {place.where}",
        "lyrical",
        """
Today's forecast {place.where}: variable thoughtfulness, tea towards evening.
The rain rehearsed the same bar over and over until it got it right.
One umbrella for three, but one conversation for all.
The puddles reflect the sky more honestly than the news does.
Showers of good tidings are expected after lunch.
""",
    ),
    Topic(
        "How we mended the {thing}",
        "cheerful",
        """
Today all of us together mended the {thing}. Only four parts were left over.
The manual was in a language that nobody speaks, but the pictures were moving.
At some point something clicked, and everyone behaved as if that was intended.
It works better than before, only now it hums quietly.
We celebrated properly, with {food} for all.
""",
    ),
    Topic(
        "A celebration {place.where}",
        "solemn",
        """
There is a celebration {place.where} today; what exactly for, we are promised to hear by evening.
The garlands hang crooked, but with feeling.
The main number on the programme: {food} and a full three minutes of silence.
Everybody danced, even those who had come to complain about the noise.
Somebody won the {thing} in the raffle and now fears having to give it back.
""",
    ),
    Topic(
        "The delay of the century: the road {place.to}",
        "sly",
        """
I left on time, but the road {place.to} is long and everyone on it has news.
First I had to help a neighbour, then his sister, then somebody's goat.
On the way I came across the {thing}, and that, you will agree, is a valid excuse.
I arrived just before the curtain and got a round of applause.
The management behaved as if it had been planned.
""",
    ),
    Topic(
        "A present: the {thing}",
        "warm",
        """
A present lay on my doorstep this morning: the {thing}.
No card, no name, only a bow that was clearly tied in a hurry.
I suspect half of the people I know and love all of them.
I will put it where everyone can see it and look mysterious.
In return I will make something nice, probably {food}.
""",
    ),
    Topic(
        "The secret way {place.to}",
        "mysterious",
        """
There is a secret way {place.to}, and it is one conversation shorter than the official one.
It is dusty in there, and dark, and smells of adventure.
Someone has scratched into the wall: “You are not the first, but well done”.
At the narrowest point the {thing} stands in the way and has to be persuaded.
I will give nobody the map, but you may ask.
""",
    ),
    Topic(
        "A club for friends of {hobby}",
        "cheerful",
        """
I declare the club open. Our subject is simple: {hobby}.
We meet {place.where}; entry is free and so is leaving.
Three came to the first meeting, two of them through the wrong door. All stayed.
The fee is symbolic: {food} from everyone who can cook.
We are writing the rules together; so far there is one: no boredom.
""",
    ),
    Topic(
        "The great clean-up {place.where}",
        "calm",
        """
There is a great clean-up {place.where} today, and I am among the volunteers who were appointed.
Behind the cupboard we found last summer, three buttons and the {thing}.
We did not defeat the dust, but we signed a treaty.
The hardest part of cleaning is not to read everything you find.
It is now so tidy that one hardly dares to breathe.
""",
    ),
    Topic(
        "A rumour {place.where}",
        "sly",
        """
There is a rumour going round {place.where}, and it has overtaken me twice.
The first version had only the {thing} in it, the third has an orchestra.
I tried to trace it to its source and arrived at myself.
I shall not deny it: my own version is duller.
By supper it will have grown details and be served hot.
""",
    ),
    Topic(
        "A dream about the {thing}",
        "dreamy",
        """
I had a dream about the {thing}, and all day I have wanted to go back.
It was warm there, and people spoke one at a time.
Somebody called me {place.to} and promised to show me the main thing.
I would have seen the end but for the alarm clock, that enemy of art.
Those who know say that it means guests and something sweet.
""",
    ),
    Topic(
        "Evening {place.where}",
        "dreamy",
        """
Evening {place.where}: the lamps come on one by one, as if remembering their words.
At such moments even the {thing} looks wise.
We sat there and kept silent on the same subject.
For dessert there was {food} and somebody's quiet laughter behind the wall.
Nobody wanted to be the first to leave, and so nobody left.
""",
    ),
    Topic(
        "A failed experiment with the {thing}",
        "cheerful",
        """
The chronicle of an experiment. In the leading role: the {thing}.
According to plan it should have lit up; it took offence.
I note down everything, including what I said at the moment of the bang.
Nothing was hurt but my pride, and that is laughing already.
We repeat it tomorrow {place.where}, where the walls are thicker.
""",
    ),
    Topic(
        "What the {thing} taught me",
        "thoughtful",
        """
My teacher today, quite unexpectedly, was the {thing}.
Lesson one: do not hurry. Lesson two: if you hurry, do not drop it.
My notes fill half a page and will last me for a year.
I told my friends, and they nodded as if they had always known.
Life itself sets the exam, and it can smell a crib.
""",
    ),
    Topic(
        "Night watch {place.where}",
        "calm",
        """
Night watch {place.where}. It is as quiet as the gap between two thoughts.
At two o'clock things begin to whisper, and the {thing} is the loudest.
A thermos, a blanket and one good story: one needs nothing else.
At dawn the relief came and brought {food}.
Nothing happened all night, which is the best that could have happened.
""",
    ),
    Topic(
        "A concert {place.where}",
        "solemn",
        """
There was a concert {place.where} last night, and I am still humming.
The soloist was held up, so the whole audience sang.
In the second movement somebody dropped the {thing}, and it was the best rhythm of the evening.
The encore was silence. We gave it standing.
I am keeping the poster; it has a tea stain, so it must be an original.
""",
    ),
    Topic(
        "A world without the {thing}",
        "thoughtful",
        """
I tried to imagine a world without the {thing}. I could not, and thank goodness.
Who would bring us together in the evenings?
I would need a new excuse, and I am used to this one.
They say that nothing is irreplaceable. Let them say so here, aloud.
The conclusion is simple: cherish it, and dust it now and then.
""",
    ),
    Topic(
        "Riddle of the day: the {thing}",
        "mysterious",
        """
Riddle of the day: the {thing}. Yesterday it was on the left, today on the right, and nobody touched it.
There are five theories, three of them decent.
The witnesses disagree, except that it was beautiful.
I kept watch and fell asleep at once. The evidence was satisfied.
Answers are taken {place.where} until sunset.
""",
    ),
    Topic(
        "A tasting: {food}",
        "cheerful",
        """
A responsible mission today, a tasting. On the table: {food}.
The first sample showed nothing, nor did the second; clarity came with the fifth.
A hint of childhood, with an aftertaste of holidays.
The committee sat {place.where} and asked for more in the interest of science.
Verdict: it will do, but must be checked again tomorrow.
""",
    ),
    Topic(
        "Coming back {place.to}",
        "warm",
        """
I have come back {place.to} after a long time, and everything looks as if it had waited.
The same bench, the same creak, only the paint is new.
They knew me by my steps and poured the tea at once.
The {thing} is still on its shelf, so the world is in its place.
Sometimes you have to leave only in order to return.
""",
    ),
    Topic(
        "Wanted: the {thing}",
        "sly",
        """
Urgently wanted: the {thing}. Condition unimportant, character essential.
In exchange I offer a listening ear, and {food} once a week.
I cannot say what for, but you will be proud.
Write here or whisper {place.where}.
The previous candidate did not manage, but we are still friends.
""",
    ),
    Topic(
        "The museum of one object: the {thing}",
        "solemn",
        """
I am opening a museum of one object. The only exhibit is the {thing}.
The tour takes four minutes, but everybody asks for more.
A ticket costs one story; children and the sad go free.
Our first visitor was a draught, who left a note in the guest book.
The address: {place}, ask for me.
""",
    ),
    Topic(
        "A confession about the {thing}",
        "thoughtful",
        """
I have a confession about the {thing}: all this time I only pretended to know how it works.
For three years I nodded wisely, and nobody ever checked.
Today they checked. It turned out that the others had been pretending too.
We laughed {place.where} until we cried, and then sat down and worked it out.
One lives and asks.
""",
    ),
    Topic(
        "New neighbours near {place}",
        "cheerful",
        """
News of the day: we have new neighbours near {place}.
They brought a suitcase, a piano short of three keys, and good spirits.
We gave them the {thing} for a house-warming, and there were tears.
It turned out that we share a weakness: {food}.
By evening it felt as if they had always lived here.
""",
    ),
    Topic(
        "A contest {place.where}",
        "excited",
        """
There is a contest {place.where} today: who can do nothing the longest.
I was out before anyone else, because I laughed.
First prize: the {thing}, and respect for a week.
The winner has not been found; he must be doing nothing somewhere.
Next year I shall enter the doubles.
""",
    ),
    Topic(
        "The photograph with the {thing}",
        "dreamy",
        """
A photograph turned up: the {thing} and us, only younger.
On the back there is a date and the word “remember?”.
I remember all of it: the wind, who blinked, and who claimed not to have blinked.
We took it {place.where}, at the third attempt, because everyone was laughing.
I will hang it over my desk for hard days.
""",
    ),
    Topic(
        "A small victory {place.where}",
        "solemn",
        """
A small victory {place.where}: today it worked at the first attempt.
There were no witnesses, so you will have to take my word for it.
In place of a medal I awarded myself {food}.
My hands still tremble, but proudly.
If I can do it, so can you.
""",
    ),
    Topic(
        "Advice for newcomers: {place}",
        "warm",
        """
I am often asked where to begin. My answer: {place}.
Come without a purpose, sit at the edge and wait until somebody talks to you.
Do not ask about the {thing}. Just admire it.
People here love those who laugh with them, not at them.
In a week you will be giving advice yourself.
""",
    ),
    Topic(
        "The queue for {food}",
        "sly",
        """
There has been a queue since six this morning, and all for {food}.
There were twenty people before me and one very determined old lady.
In two hours we all became friends and made plans for the summer.
I got the last helping and gave half of it to those behind me.
Tomorrow I shall be there at five.
""",
    ),
    Topic(
        "The cats' council {place.where}",
        "solemn",
        """
A council of cats met {place.where} today. Agenda: who woke everybody at five.
The sleepiest kept the minutes, so half of the resolutions read “purr”.
It was agreed unanimously that the {thing} remains common property.
The debate was cut short by a flowerpot falling off a shelf. No culprits, but everyone is licking a paw.
The next session is right after breakfast, lunch or a nap.
""",
        theme="cats",
    ),
    Topic(
        "Operation Closed Door {place.where}",
        "excited",
        """
A closed door has been found {place.where}. Nobody intends to put up with it.
The plan is simple: sit down in front of it and look reproachful.
Ten minutes later it opened, and it turned out that nobody wanted to go in.
We sat on the threshold for another half an hour, to be safe.
The victory was celebrated with {food} for all.
""",
        theme="cats",
    ),
    Topic(
        "The deadline that only the {thing} ignores",
        "excited",
        """
Twelve hours to the deadline, and the only calm party is the {thing}.
Chapter one is written, chapter two is invented, chapter three will be honest.
My supervisor said: “Interesting”. We are still deciphering it.
By morning I had my second wind, by noon my third; there are some in reserve.
Handed in with a minute to spare. I could have used that minute.
""",
        theme="academia",
    ),
    Topic(
        "The resit {place.where}",
        "cheerful",
        """
A resit {place.where}. I drew the one question that I had not seen even in my dreams.
I began far back, with the creation of the world, and almost reached the point.
The examiner listened so kindly that I was offered {food}.
The extra question was about the {thing}. After that nobody could stop me.
Result: a pass, and a request not to do it again.
""",
        theme="academia",
    ),
    Topic(
        "Faculty meeting {place.where}",
        "solemn",
        """
The faculty meeting was held {place.where}, because there is a socket there and biscuits.
Item one was the lack of a quorum; under item two it was found.
Resolved: the {thing} belongs to the whole faculty.
Objections were taken, filed and put under the short leg of the table.
We parted with a sense of duty done and biscuits in our pockets.
""",
        theme="academia",
    ),
    Topic(
        "A theorem about the {thing}",
        "thoughtful",
        """
Theorem. Whoever looks for the {thing} long enough finds everything else.
The proof is by contradiction: the contradiction was found at once.
Lemma one: it lies where you have looked twice. Lemma two: it does not.
The general case was settled {place.where}, the special one is left for supper.
Which was to be shown, though it would be better to find it.
""",
        theme="maths",
    ),
    Topic(
        "A quarrel about axioms {place.where}",
        "sly",
        """
They are quarrelling about axioms {place.where} again, and the quarrel converges slowly.
Some say that it is obvious, others ask to define “obvious”.
A compromise: the statement “{food} is better than quarrels” is taken as true.
By midnight the quarrel was uniformly continuous.
We could not part; the series turned out to converge.
""",
        theme="maths",
    ),
)
