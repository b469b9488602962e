"""Work in a child process that may crash, hang or take too much memory."""

import pytest

from common.untrusted.child import Child, ChildError

PROGRAM = """
import os, signal, time

def start(name):
    print("noise on the standard output")

    def answer(request):
        if request == b"crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if request == b"hang":
            time.sleep(100)
        if request == b"fill":
            bytearray(2**30)
        return {"name": name, "size": len(request)}

    return answer
"""


@pytest.mark.parametrize("request_", [b"crash", b"hang", b"fill"])
def test_a_child_answers_until_it_dies(tmp_path, request_):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    child = Child(program, ["a b"], max_memory=2**29, max_seconds=60)
    assert child.ask() == {"name": "a b", "size": 0}
    # More than a pipe holds.
    assert child.ask(bytes(10**6)) == {"name": "a b", "size": 10**6}
    child._seconds = 0.1 if request_ == b"hang" else 60
    for _ in range(2):
        with pytest.raises(ChildError):
            child.ask(request_)
