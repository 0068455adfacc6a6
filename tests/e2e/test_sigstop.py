"""A process that stands still for a while, under SIGSTOP or in a paused container, and goes on."""

import re
import signal
import subprocess
import sys
import time

import openai_server as server
from test_sigterm import Told

PROGRAM = """
import sys
from bottega import Agent, Budget
from bottega.testing import Say, ScriptedModel

def asked(request):
    print("asked", flush=True)
    return Say(text="too late", delay=300)

warm = Agent(model=ScriptedModel("ready")).run("go")
made = Agent(model=ScriptedModel(asked)).run("go", limits=Budget(seconds=2))
print(made.status, made.reason)
"""


def test_the_time_that_it_stood_still_counts():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "asked\n", process.stderr.read()
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
    assert out.startswith("budget the limit of 2 seconds is reached"), err
    used = float(re.search(r"\(([\d.]+) used\)", out)[1])
    assert used >= 4


def test_what_came_meanwhile_is_taken_in(tmp_path, openai_server):
    told = Told(tmp_path, openai_server, grace="30")
    openai_server.replies = [server.text("here I am", delay=0.5)]
    told.run()
    told.signal(signal.SIGSTOP)
    time.sleep(1)
    told.signal(signal.SIGCONT)
    assert told.ended()[:2] == (0, "here I am")
    assert len(openai_server.requests) == 1
