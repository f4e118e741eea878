"""Mutants of Responses streams that broke a law of repair once: a case, and what was done to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Segment
from tests.apis.event_mutations import SERVERS
from tests.apis.responses.mutations import mutated as made_of
from tests.examples import examples
from tests.harm_laws import broken_laws
from tests.live_laws import broken_live_laws
from tests.mutations import mutated
from tests.responses import CASES

_ONCE_BROKEN = {
    "an item that is none, and its end twice": ("item-done-twice", [(1, 32, 71502)]),
    "the same with a stray line": ("item-done-twice", [(11, 689, 25982), (14, 322, 3242)]),
    "an end without its item and index": ("completed-text-empty", [(7, 328, 28886)]),
    "a chunk of chat within a call without call_id": ("call-id-missing", [(8, 490, 60546)]),
    "items done in another order than opened": ("completed-output-empty", [(5, 198, 16367), (10, 283, 33290)]),
    "only the end, with something that is no item": ("only-completed", [(2, 62, 40706)]),
    "a part with text behind its first delta": ("text-in-part-added", [(5, 276, 43982)]),
    "a strange tier where response.created is missing": ("created-missing", [(1, 860, 89702)]),
    "an index of another item, and no ids": ("item-id-missing-on-deltas", [(1, 706, 10375), (0, 993, 55131)]),
    "a flat end that comes too early": ("response-not-nested", [(5, 986, 4364)]),
    "the end first, with a call without call_id": ("call-id-empty", [(5, 926, 62476), (8, 605, 22702)]),
    "a stray line before a part behind its delta": ("delta-after-text-done", [(11, 735, 2007), (5, 193, 54629)]),
    "only the end, with two calls of one call_id": ("call-id-twice", [(5, 539, 89707), (10, 483, 26262)]),
    "an event of no known type about an item that gets an id": (
        "item-id-twice",
        [(6, 583, 16334), (10, 683, 10984), (2, 963, 7975)],
    ),
    "a web page": ("blank-lines-missing", [(8, 685, 83547), (3, 755, 84366), (8, 542, 29289)]),
    "a list of one event that lost its blank line, and a text before its item": (
        "terminal-cancelled",
        [(13, 486, 56170), (12, 221, 92708)],
    ),
    "half an event behind an error that the response outlives": (
        "arguments-not-json",
        [(8, 914, 98464), (11, 82, 69927), (7, 157, 87885)],
    ),
    "an item that was opened here is done with a number for its type": (
        "item-added-holds-part",
        [(7, 134, 46715), (5, 893, 58771), (0, 86, 86692)],
    ),
    "nothing at all, and an event without data": ("empty-success", [(9, 449, 13927), (14, 75, 17381)]),
    "a whole response behind a byte order mark": ("json-for-stream", [(8, 0, 16963)]),
}


@pytest.mark.parametrize("name", _ONCE_BROKEN)
def test_no_law_is_broken_where_one_was(name):
    case, mutations = _ONCE_BROKEN[name]
    made = CASES[case].exchange
    body = mutated(made.body, mutations)
    assert broken_laws(replace(made, segments=(Segment(None, body),), http_chunks=None, end_us=None)) == {}


@pytest.mark.parametrize(
    "number",
    [
        247607736,  # the types of a delta and of the end are swapped
        592172191,  # those of a text that is done and of the end
        681907343,  # those of a part that is done and of response.created
        114102228,  # the same with a delta, and an event that nobody can read behind it
        150772634,  # the same with a call that is done
        260021350,  # a call that is done and response.in_progress
        989331946,  # a part that is added and a delta
        280757811,  # the start of a call and a delta
        407944710,  # the start of a call comes twice under one number, while all stays as it is
        894896242,  # a queued response is completed with nothing in it
        428879030,  # an empty one that is completed, and then cut
        600374033,  # calls in turns, and then an error
        101468360,  # calls in turns, of which one begins without a call_id
        297948902,  # two calls of one id, of which one end lacks it
        961536181,  # the end of another stream before a part has its text
        170708663,  # the finished call calls with something else than was told, without a delta
        772607512,  # an item of no type that is known is never done
        592409937,  # a chunk of chat completions between the events
        758282709,  # an item that was opened here is added after all, without an item in it
        734688325,  # the first event is a delta without text, of an item that is added much later
        43176767,  # a delta before its call is added, under another index
        4534416,  # the same with a part
        524059081,  # text under the index of another item, and a call in a message
        321742505,  # an item is done before it is added
        339685769,  # an item that was opened here is added after all, under another index
        858996618,  # the same where the answer was cut
        158805477,  # the same with another id
        45105296,  # an item was opened here, and the end is no end
        573915416,  # the same, and it is added after an event of another type
        627607596,  # the end calls what was called by another name
        272364406,  # an item was moved, and then types are swapped
        612789305,  # a part was moved, and then types are swapped
        222607631,  # an item was moved to an index under which a nameless one comes
        52865444,  # deltas after the text was told whole
        140992570,  # an item is done first, and its events follow
        884273060,  # the same between plain text
        879986896,  # a call under two indexes, without ids
        562932774,  # a call as text, in the end alone
        461909557,  # a text that is told whole has an error
        809142548,  # an error with an id
        814181833,  # an item is done twice without an id
        775263889,  # an item is added without an id, and done twice with it
        299220183,  # the end under another name, with a usage that is none
        480374299,  # an item is done twice, with a usage in it
        373248142,  # a lost delta of a call that is never done
        504182270,  # the end under another name, which its event line has alone
        160153581,  # ids that change, and two items under one index
        11409064,  # text in a call that came whole
        7900164,  # an item that was opened here before the one that comes first
        195343202,  # the same, and no output in the end
        277819295,  # the same with null
        348281111,  # calls in turns, of which one was not added yet
        270382298,  # an item is added last, and the end holds nothing
        693196504,  # an item that was opened here, where the end lists one that came behind it
        696360662,  # a text is done as nothing, and the end holds one
        191488093,  # an id beside the response of an event whose type its event line has alone
        1282024606,  # half an event, and an end under another name that says something else
        374926078,  # a status that is a number, and nothing in the response
        534769803,  # events whose type their event line has alone, then a chunk of chat completions
        371159623,  # the same
        224849215,  # a call without a name and call_id
        246444360,  # a call under the id of an item that was opened here
        797317626,  # an end that cannot be read, before a part that goes
        665352914,  # an event without an index that names nobody, before indexes are missing
        248357400,  # an item is done twice under another id
        274295172,  # the same where its deltas have that id
        292783668,  # an item of a type that cannot be read, and another one of its id
        605238811,  # an item that was opened here in an answer that was cut
        115413754,  # the same, and another answer behind it
        319402600,  # the same beside an event of another type
        351565280,  # a lost delta of a call that waits for its turn
        376259558,  # response.created comes again behind an event of another type
        865769676,  # an item is done again under an index that was given to another one
        453969084,  # text of another item, without an index
        1094451629,  # an error with an id and no type
        1090032925,  # a call that waits for its turn ends with the response, behind one that was never added
        1490807380,  # a call that was never added is done under another id, at the index of one that was opened here
        1339155499,  # the same with a stray line
        1037765569,  # ids that change with each event, and no index
        1510459678,  # a call that was never added is done under another id, in an answer that was cut
        701774033,  # the end under another name, and counts that are none
        881239428,  # only the end, with one item twice
        742939168,  # the end of a part under the index of a call
        934203247,  # a flat response.in_progress before response.created
        721245208,  # a whole response with an error in it
        903463012,  # the end under another name, without items, of which one changed its type
        402594377,  # a call is done before its arguments are
        204991421,  # a stream that goes on with a keepalive
        745333076,  # a part before the response begins
        965012837,  # an item is done without an id under an index that another one has by now
        583311834,  # the end comes again in another event
        301777763,  # a keepalive among events without numbers
        903997447,  # a delta without its text of an item that was opened here
        826023847,  # an item is done under the index of one of another type, with another id
        403221212,  # an item that was opened here is added with a number as its type
        1908975,  # a reasoning delta that has the id of a message
        422481290,  # a part whose number changes, and that nobody opened
        67753576,  # an event that was numbered anew comes before one of another type
        81530311,  # a call is done as a message
        639580957,  # a call without an id, whose end alone has one
        543792381,  # a keepalive that says something
        565588402,  # usage of which one count has its name in chat completions, and the other none
        24854819,  # a part that is numbered anew, and its text under the number that it gets
        407684525,  # an end that breaks off, and a comment in it
        883681793,  # events without a type behind one of another type
        272817757,  # a part under two numbers
        630042575,  # a part is done without its text
        794409203,  # the end under another name behind an event of another type
        986531250,  # a number of an event of no known type
        966974643,  # usage with the names of chat completions where an item is never done
        973729149,  # a call is done without its arguments, and again with them
        486433810,  # response.created comes last, and holds usage
        777457372,  # usage with the names of chat completions, and an item that nobody can read
        7540737,  # a call is done with its arguments, and again with twice as many
        845425604,  # the end first, and something without a type last
        712661513,  # a flat response.created with usage within one of its members
        679350603,  # an event with usage comes again under its number
        330549115,  # an item is never done, and its part was numbered anew
        698908730,  # a delta that is a number in a call that waits for its turn
        293136840,  # a flat end that comes too early
        981436865,  # a call without an id, whose end has one
        949257693,  # a call whose id comes when it is done, and not in the end
        790328024,  # something without a type is done
        109112235,  # a call is done before it is added without its name
        622591544,  # a chunk of chat completions whose delta is a text
        997418548,  # a keep-alive in the clothes of a delta comes first
        189160870,  # the same before chunks of chat completions
        41811541,  # an item that was moved is added again where nothing is certain any more
        671718804,  # a part with usage in an item that was opened here
        550885426,  # an empty response of another status than its end
        539047655,  # an end without a response, and nothing before it
        77442790,  # a response under the name of a text
        911798546,  # a call that was added whole is done with an empty list
        598192192,  # a call is done first, and again with arguments that are an object
        370535442,  # an item that was opened here is done as one of another type
        196770046,  # response.created over an item, after it was made here
        946966757,  # a call was added with other arguments than it is done with, and the end has those
        237811411,  # no object is added under the index that an item got here
        756021713,  # the end under another name, without items, of which a text differs from its deltas
        398713945,  # a part under a wrong number is done under the right one
        373905909,  # the same, and a delta behind its end
        125290253,  # a call is done in an item that was opened here for a text
        277912956,  # a part comes again as it went out repaired, with what followed it
        934038750,  # a piece under the name of a part that was opened here
        494830251,  # a call is done without the arguments that it was added with
        26194060,  # a call is done by the id of an item that was opened here
        551862729,  # a keepalive with usage
        473037571,  # a call is opened before the response, under the id of the next
        762615264,  # the end under another name without a sum of usage, and a call that nobody opened
        135749507,  # a text is told whole in a thought that was opened here
        135287227,  # an event breaks off, and what it said is told again
        428820194,  # a call without a call_id is added beside an error
        874648209,  # a response that has arguments
        72809900,  # a lost delta of a text that only the finished item holds
        780776109,  # an error of another API with a name
        519962098,  # an id in an event whose type its event line has alone
        232685261,  # the end lists an item whose type is an object
        366755537,  # a lost delta of an item that nothing else came of, under the index of the next one
        232590386,  # the same where an event of another type follows
        218022024,  # a delta of an item that was opened here, and then that index is another one's, of another id
        697725710,  # an item was opened here, and then something is added under its index that is no item
        1971672962,  # no event has an index, each names another id, and one is of no item that is open
        956641201,  # a call was added with its arguments, deltas came to others, and the end has the first
        562013899,  # an item is done with an empty object, and nothing has an index
        583994131,  # a text is told whole under the name of a part's start, and no part was added
        622149738,  # a keep-alive in the clothes of a text delta, where ids of other items change
        241695665,  # the same between a call and its text
        703337195,  # a text that waits for a call, an event of no item behind it, and the end of neither
        639349612,  # a delta that names nobody, under the index to which a nameless call was moved
        371896434,  # a part that nobody opened, and the rest of its text under another number
        361538535,  # the end under another name, details of usage that are a text, and an item that nobody opened
        346123883,  # the same where the types of two events were swapped before
        859269929,  # the first event is of no known type
        234233900,  # a call is added again, with usage
        372860827,  # a call was added with its arguments, and is done with none that are text
        409418125,  # an item that nobody opened begins with a part whose number is a later one's
        764833467,  # a delta that is an object with a text, and another one that is not what the whole says
        158087611,  # the same where a delta is missing
        48416832,  # a queued response is completed, and its call was told whole
        310132912,  # an item was moved and its part opened here, and a delta comes under the name of that part's start
        250526525,  # the end under another name, and an event that stops in the middle
        332777919,  # what adds no item comes under the index of one that was opened here
        868178104,  # a call is done early with its call_id, then once more without it, as in the end
        340888078,  # a call that nobody opened under the index of a thought that nobody opened, and a delta without id
        571572478,  # a call is done under the index of another one, before that one's deltas
        137415954,  # half an event in a response that failed, and one behind its end
        366915080,  # a text is told whole, and otherwise when its part is done
        505878992,  # a delta of part 2 before its message, which has part 0 alone
        871830017,  # an item of no type under the index of one that was opened here
        113914259,  # a delta before its part is added, whose number is negative
        521546378,  # events of other types behind an end that had no name
        395145646,  # a call that nobody added is done without an id, under the index of an item that was opened here
        763472433,  # half an event, and behind the end a response that failed
        178934863,  # a lost delta of an item that is listed in the end and never done
        686304140,  # a thought is done as a call, under the index of one
        676413411,  # a call that is never done, and behind it the end of the arguments of one that nobody added
        744967315,  # a call without an id is done once more with one
        897100921,  # arguments in a delta of a text that was told whole
        525880216,  # response.created behind one of our own, with a delta in it
        285713908,  # a call is done once more while a later one of its id goes on
        462628630,  # the end lists an item whose type is a list
        1339497583,  # an item that was opened here is added under another index, and without a type
        1809828234,  # an item that is done at once, with a part whose text is null
        1351949322,  # a part comes again without a number, within a replay, and a delta that is an object
        1521071397,  # a text is told whole in an item that is never done, and the end holds another one
        1461933067,  # items are done without an index, under an id that another one is done under later
        1608091857,  # a call is done under an id of nobody's while two of its call_id are open
        1305249205,  # a call that nobody opened, an index that is a text, and ids that change
        1906915344,  # added and done change places, and the latter has no id: the end that is made lists it
    ],
)
def test_no_law_is_broken_over_streams_that_nobody_wrote(number):
    assert broken_laws(made_of(number)) == {}


@settings(max_examples=examples(80), deadline=None)
@given(st.integers(0, 2 * SERVERS))
def test_no_law_is_broken_over_any_numbers(number):
    made = made_of(number)
    assert broken_laws(made) == broken_live_laws(made) == {}


def test_an_answer_whose_end_came_first_is_not_over_before_its_items_are():
    """Live, what is over is ended for the client once the upstream is quiet for a while."""
    assert broken_live_laws(made_of(268101565)) == {}
