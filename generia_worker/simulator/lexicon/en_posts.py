"""Posts, in English: topics, shapes and all the small change of talk."""

from generia_worker.simulator.lexicon.en_topics import TOPICS
from generia_worker.simulator.lexicon.types import Posts

POSTS = Posts(
    topics=TOPICS,
    shapes={
        "story": "story",
        "short": "note",
        "diary": "diary",
        "list": "list",
        "dialogue": "dialogue",
        "poll": "poll",
        "opinion": "opinion",
        "thanks": "thanks",
        "review": "review",
        "notice": "notice",
        "verse": "verse",
        "log": "timeline",
    },
    openers="""
Let me tell it in order.
At first I did not believe my eyes.
I thought for a long time about whether to post this. I am posting it.
Make yourselves comfortable, it is a short one.
An ordinary day, they said.
In brief: it all worked out, only differently.
I will start with the end: everyone is alive and fed.
You know the feeling when one small thing changes the whole day?
Nothing this morning gave it away.
Writing this down before I forget.
News, still warm.
Believe it or not.
Some things must not be kept quiet.
I promised yesterday to tell you, so here goes.
It has never happened before, and now it has happened again.
Reporting live.
Hush, this one is personal.
Only here could this happen.
A small report on a big day.
I have not had an evening like this for ages.
""",
    closers="""
And that is the whole secret.
How was it at your place?
I will try again tomorrow.
Days like this are what it is all for.
More when my boots have dried.
If you need me, I am around.
I think this is what they call happiness.
Too early for conclusions, but I like it.
Look after each other.
I am off to put the kettle on.
So we live, and I would not change a thing.
Ask anyone who was there.
The moral is simple: we should have started sooner.
Let us remember this day.
And do you know what? I would do it again.
That is all for today, with love.
It gets better from here.
Thank you for reading to the end.
May you have a reason to smile like this one.
Tell me your version; I am collecting them.
Time will tell the rest.
Do not tell the others, let them find out.
""",
    asides="""
{Other} insists that it was the other way round.
{Other} pretended to be just passing by.
By the way, {other} still does not believe me.
{Other} wants to make it an official holiday.
{Other} keeps silent, which says more than words.
Ask {other}, who saw everything.
The only other person there was {other}.
{Other} says that this will become a legend.
The first to hear of it was {other}, of course.
For the record, {other} had nothing to do with it. Almost nothing.
If you see {other} smiling, now you know why.
Hello, {other}, I know that you are reading this.
""",
    questions="""
are you seeing this too
is this still the plan
what if somebody asks
how long will this go on
are you sure this is how it is done
who are we going to tell
""",
    diary="""
Field notes, day {n}.
Entry number {n}.
Day {n}, all systems calm.
Page {n}. There is still some ink.
Chronicles, issue {n}.
""",
    lists="""
What I learnt today:
The main points:
Three facts about this day:
Point by point, so that nobody gets lost:
For those who missed it:
""",
    polls="""
I need your vote.
Help me decide.
An honest poll.
I am asking the wisest people I know, which is you.
""",
    options="""
leave it as it is and admire it
call a council {place.where}
pretend that nothing happened
invite everybody and serve {food}
ask the elders
do it again tomorrow, only louder
write a song about it
let chance decide
""",
    opinions="""
Unpopular opinion.
I will say what everyone is thinking.
It is high time to admit it.
I may be judged for this, but still.
A simple thought that took me years.
""",
    replies="""
Hush, you will scare it away.
Of course. I was up all night preparing.
Is there any other way?
Ask me tomorrow, today I am delighted.
Only the {thing} knows.
As long as there is {food}.
I never promised anything, but yes.
""",
    thanks="""
A special thank-you to {other}: none of this would have worked otherwise.
{Other}, this is for you: thanks for the patience, the tea and a well-timed “wait”.
Without {other} I would still be sitting here in doubt.
I want everyone to know that {other} is the real treasure of this place.
""",
    reviews="""
Rating: ★★★★★. I could live {place.where}.
Rating: ★★★★☆. One star off for the draught, returned for the atmosphere.
Rating: ★★★★★ and one more in secret. I shall be back even if nobody invites me.
Rating: ★★★☆☆, but the best three stars of my life.
""",
    notices="""
Attention, an important announcement!
Kindly do not scroll past.
The notice I would pin to every door.
To all who can hear me.
""",
    verses="""
Quiet all around,
and only the {thing}
still remembers me.
--
The wind turns the day
like the page of a notebook.
We are in between.
--
The tea has gone cold.
Somebody laughs far away.
Then it all worked out.
--
A morning unrushed.
Light lying in an open hand
like something promised.
--
Rain at the window
counts up to one thousand drops
and then loses track.
--
The road home: a lamp,
another lamp, then the bridge,
and someone's “hello”.
""",
    signatures="""
— {short}
Yours, {short}.
{short}, signing off.
Noted by {short}.
""",
    formulas=r"""
For rigour, let me write it as $\text{joy} = \frac{\text{tea} \times \text{friends}}{\text{hurry}}$.
The check came out: $\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}$, and my mood is larger still.
The gradient of cosiness points here: $\nabla f(x, y) = \left( \frac{\partial f}{\partial x}, \frac{\partial f}{\partial y} \right)$.
In the limit all is well: $\lim_{t \to \infty} \beta e^{-\theta t} = 0$, where $\beta$ is worry.
Beauty in one line: $e^{i\pi} + 1 = 0$. I have nothing to add.
The density of happiness: $\rho = \frac{m_{\text{smiles}}}{V_{\text{day}}}$.
The odds, after Bayes: $P(A \mid B) = \frac{P(B \mid A) \times P(A)}{P(B)}$.
Integrated over the evening: $\int_0^{2\pi} \sin^2\theta \, d\theta = \pi$. That is exactly how long I lasted.
Today as a system: $\begin{cases} x + y = 7 \\ x - y = 1 \end{cases}$ Solution: $x = 4$, $y = 3$.
The proof is left to the reader: $\forall \varepsilon > 0 \; \exists \delta > 0$, and so on until supper.
By Pythagoras, $c = \sqrt{a^2 + b^2}$, so straight across is shorter.
The heat equation of this room: $\frac{\partial u}{\partial t} = \alpha \nabla^2 u$.
""",
    briefs="""
Tell it calmly, with one funny detail. It happens {place.where}.
Begin with something small, end with an unexpected conclusion. In the picture: the {thing}.
Show how it feels from within. Mention {food} in passing.
Share it with a smile at oneself; the setting is {place}.
A short sketch with a mood; the main object is the {thing}.
Address the readers and wait for their answers.
""",
    relevances="""
Shows the habit of noticing small things.
Reveals a weakness that is never spoken of.
Carries on an old argument with the neighbours.
Reminds us of how it all began.
Gives a reason to laugh at oneself.
Ties in with the main pursuit: {hobby}.
""",
    arcs="""
From morning confusion to evening confidence: {name} learns to ask for help and finds that it was there all along.
How a small matter grows into a large one: first the {thing}, then friends, then the whole world around.
From onlooker to participant: {name} is more and more often at the centre of things and less and less surprised by it.
""",
    growths="""
Grows bolder and a little more patient without losing a sense of humour.
Learns to let small things go and to hold on to the large ones.
Stops postponing and starts inviting others along.
""",
    schedules="""
Monday morning
Wednesday after lunch
Friday evening
Sunday close to midnight
""",
    themes="""
attention to small things
friendship
{place}
pursuit: {hobby}
cosiness
funny accidents
""",
    moods="""
calm
cheerful
dreamy
solemn
sly
warm
excited
thoughtful
""",
    times="""
early morning | early morning light
noon | bright midday
golden hour | golden hour
dusk | blue dusk
deep night | deep night, warm lamps
""",
    tags="""
smallthings
everyday
storyoftheday
fieldnotes
goodday
chronicles
cosy
""",
    general="""
Today's subject: {topic}. I thought about it all the way {place.to}.
There is one thing that will not let me go: {topic}.
I promised myself to be honest, so here it is: {topic}.
Nobody talks of anything else {place.where} today: {topic}.
""",
)
