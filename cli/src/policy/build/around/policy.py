"""What `guestlist policy build` puts around the rules in app.py.

A policy has no output, clock, entropy or files, and what asks for them would end it without a word. So printing goes to
the log, which only tests read; the time is that of the facts; random numbers are the same in every judgement; files and
network are an OSError. An exception tells its words before it ends the judgement, and an answer that is not what the
contract says is one.
"""

import _io
import builtins
import difflib
import errno
import io
import json
import linecache
import os
import posix
import sys
import time
import tokenize

SHAPE = json.loads('''SHAPE_OF_VERDICTS''')
"""The types of verdicts, by module and name."""

SEED = 7


class Judgement:
    """What holds while a judgement runs. Before that, the component is being built."""

    begun = False
    now = 0
    """Milliseconds since 1970."""
    state = SEED


class Output(io.TextIOBase):
    """Lines for the log."""

    def __init__(self, built):
        self.built, self.line, self.muted = built, "", False

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if not Judgement.begun:
            self.built.write(text)
        elif not self.muted:
            *lines, self.line = (self.line + text).split("\n")
            for line in lines:
                tell(line)
        return len(text)

    def flush(self):
        if not Judgement.begun:
            self.built.flush()

    def end(self):
        if self.line:
            tell(self.line)
        self.line = ""


def tell(line):
    # More would be cut off, and a host takes no more than so much at once.
    log.print(line[:5000])


def be_heard():
    sys.stdout, sys.stderr = Output(sys.stdout), Output(sys.stderr)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    sys.stdin = sys.__stdin__ = io.StringIO("")


def have_the_time_of_the_facts():
    real = {name: getattr(time, name) for name in ("gmtime", "localtime", "strftime", "asctime")}

    def seconds():
        return Judgement.now / 1000

    def nanoseconds():
        return Judgement.now * 1_000_000

    def at(name):
        return lambda when=None: real[name](seconds() if when is None else when)

    def stands_still(*_):
        return 0.0

    def stands_still_ns(*_):
        return 0

    time.time, time.time_ns = seconds, nanoseconds
    time.clock_gettime = lambda _: seconds()
    time.clock_gettime_ns = lambda _: nanoseconds()
    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, stands_still)
        setattr(time, f"{name}_ns", stands_still_ns)
    time.gmtime, time.localtime = at("gmtime"), at("localtime")
    time.strftime = lambda form, when=None: real["strftime"](form, time.localtime() if when is None else when)
    time.asctime = lambda when=None: real["asctime"](time.localtime() if when is None else when)
    time.ctime = lambda when=None: real["asctime"](time.localtime(when))
    time.sleep = lambda _: None
    # The one that is written in Python asks `time`; the other one asks the machine.
    for name in ("datetime", "_pydatetime"):
        sys.modules.pop(name, None)
    sys.modules["_datetime"] = None
    import datetime  # noqa: F401


def draw(count):
    """As many bytes, always the same ones."""
    drawn = bytearray()
    for _ in range(count):
        Judgement.state = (Judgement.state * 6364136223846793005 + 1442695040888963407) % 2**64
        drawn.append(Judgement.state >> 56)
    return bytes(drawn)


def draw_the_same():
    os.urandom = posix.urandom = draw
    for module in (os, posix):
        if hasattr(module, "getrandom"):
            module.getrandom = lambda count, flags=0: draw(count)
    import random

    seed = random.Random.seed
    random.Random.seed = lambda self, a=None, version=2: seed(
        self, int.from_bytes(draw(8), "big") if a is None else a, version
    )
    random.seed = random._inst.seed
    random._urandom = draw


FILES = (
    "access chdir chmod link listdir lstat mkdir open readlink remove rename replace rmdir scandir stat statvfs symlink "
    "truncate unlink utime"
).split()


def have_no_files():
    def no(what):
        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, f"a policy has no {what} while it judges: what stands outside of functions runs when it is built")

        return refuse

    for name in FILES:
        for module in (os, posix):
            if hasattr(module, name):
                setattr(module, name, no("files"))
    builtins.open = io.open = _io.open = tokenize._builtin_open = no("files")
    io.open_code = _io.open_code = no("files")
    if socket := sys.modules.get("socket"):
        socket.socket.__init__ = no("network")
        socket.getaddrinfo = no("network")


def begin(now):
    Judgement.begun, Judgement.now, Judgement.state = True, now, SEED
    random.seed(SEED)
    have_no_files()


def own(path):
    """A file as whoever wrote the policy calls it: it was read at `/0/rules.py`."""
    number, _, rest = path.removeprefix("/").partition("/")
    return rest if number.isdigit() and rest else path


def tidy(told, seen):
    """Takes out what is not the policy's."""
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    kept = [frame for frame in told.stack if frame.filename != __file__]
    for frame in kept:
        frame.filename = own(frame.filename)
    told.stack[:] = kept
    tidy(told.__cause__, seen)
    tidy(told.__context__, seen)


def words(error):
    try:
        told = traceback.TracebackException.from_exception(error, compact=True)
        tidy(told, set())
        text = "".join(told.format()).rstrip()
        # The end says what it is.
        return text if len(text) < 3500 else f"..{text[-3500:]}"
    except BaseException:
        return f"{type(error).__name__}: {error!s:.500}"


def asked(judge, facts):
    begin(facts.surroundings.now)
    try:
        return judge()
    except BaseException as error:
        for output in (sys.stdout, sys.stderr):
            if isinstance(output, Output):
                output.end()
                output.muted = True
        log.fail(words(error))
    # Whatever it was, it ends the judgement.
    raise RuntimeError("the policy broke off")


def judged(answer):
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, Output):
            output.end()
    return answer


WHOLE = {f"{sign}{bits}": bits for sign in "us" for bits in (8, 16, 32, 64)}


def check(value, kind, path):
    """Raises a TypeError where a value is not what the contract says."""

    def no(what):
        raise TypeError(f"{path} is {value!r:.100}, and has to be {what}")

    match kind:
        case "bool":
            if not isinstance(value, bool):
                no("True or False")
        case "string":
            if not isinstance(value, str):
                no("a str")
        case str() if kind in WHOLE:
            bits = WHOLE[kind]
            least, most = (0, 2**bits - 1) if kind[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                no(f"an int from {least} to {most}")
        case {"option": some}:
            if value is not None:
                check(value, some, path)
        case {"list": item}:
            if not isinstance(value, list):
                no("a list")
            for index, one in enumerate(value):
                check(one, item, f"{path}[{index}]")
        case {"named": name}:
            check_named(value, name, path, no)
        case _:
            pass


def check_named(value, name, path, no):
    module, shape = SHAPE[name]["module"], SHAPE[name]

    def known(name):
        return getattr(sys.modules[module], name)

    if "enum" in shape:
        if not isinstance(value, known(name)):
            no(f"a {name}: " + ", ".join(shape["enum"]))
    elif "cases" in shape:
        case = next((case for case in shape["cases"] if isinstance(value, known(case))), None)
        if case is None:
            no("one of " + ", ".join(shape["cases"]))
        kind = shape["cases"][case]
        if kind is not None:
            check_fields(value, {"value": kind}, case, path)
        else:
            check_fields(value, {}, case, path)
    elif "record" in shape:
        if not isinstance(value, known(name)):
            no(f"a {name}")
        check_fields(value, shape["record"], name, path)


def check_fields(value, fields, name, path):
    for field in vars(value):
        if field not in fields:
            near = difflib.get_close_matches(field, fields, 1, 0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"it has {', '.join(fields) or 'none'}"
            raise TypeError(f"{path}.{field}: {name} has no field `{field}`; {hint}")
    for field, kind in fields.items():
        check(getattr(value, field), kind, f"{path}.{field}")


be_heard()
have_the_time_of_the_facts()
draw_the_same()
# What is imported when it is first used has to be here before: there are no files later.
import _strptime  # noqa: E402,F401
import encodings.ascii  # noqa: E402,F401
import encodings.idna  # noqa: E402,F401
import encodings.latin_1  # noqa: E402,F401
import encodings.utf_16  # noqa: E402,F401
import random  # noqa: E402
import stringprep  # noqa: E402,F401
import traceback  # noqa: E402

from wit_world import exports  # noqa: E402
from wit_world.imports import log, types  # noqa: E402,F401

import app  # noqa: E402

for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None)
    # The lines of the policy, for the words of its exceptions. Of a file that is not there none is shown.
    if path and own(path) != path and path.endswith(".py") and path != __file__:
        try:
            lines = open(path, encoding="utf-8").readlines()
        except (OSError, UnicodeDecodeError):
            continue
        linecache.cache[path] = linecache.cache[own(path)] = (len(lines), None, lines, path)
del module, path


class Rules(exports.Rules):
    def judge_invite(self, facts):
        def judge():
            answer = app.Rules().judge_invite(facts)
            check(answer, {"list": {"named": "Verdict"}}, "judge_invite()")
            return judged(answer)

        return asked(judge, facts)

    def judge_accept(self, facts):
        def judge():
            answer = app.Rules().judge_accept(facts)
            check(answer, {"named": "Verdict"}, "judge_accept()")
            return judged(answer)

        return asked(judge, facts)
