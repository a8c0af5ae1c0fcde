"""`shelfwire edge handover`: the hand-over check of a running station, begun, answered and followed from a terminal."""

from __future__ import annotations

import argparse

import msgspec

from edge.api.handover import CheckAnswer, StepAnswer
from edge.settings import Machine
from shelfwire.agent_api import AgentApi
from shelfwire.hub_api import inert

ASKS = {
    "scan": "scan the CHECK card",
    "weigh": "take everything off",
    "tag": "hold a tag before the antenna",
    "card": "hold a card to it",
    "button": "press it",
    "lights": "did it light red, then green? yes or no",
    "tone": "were three short tones heard? yes or no",
    "ready": "one moment",
}
RECORDS = {
    "none": "no record",
    "kept": "the record is on its way to the hub",
    "taken": "the hub has the signed record",
    "refused": "the hub did not take the record",
}


def run(machine: Machine, args: argparse.Namespace) -> int:
    """Do it; give the exit code: 0, also where a step failed. Raises `EdgeError`."""
    agent = AgentApi(machine.api)
    if args.do == "show":
        now = agent.check()
    else:
        step = int(args.text) - 1 if args.do == "again" and args.text.isdecimal() else -1
        now = agent.say_of_check(args.do, step, args.text)
    if args.json:
        print(msgspec.json.encode(now).decode())
    else:
        print("\n".join(lines(now)))
    return 0


def lines(now: CheckAnswer) -> list[str]:
    """Tell how a check stands."""
    told = [f"{number:2} {_step(step)}" for number, step in enumerate(now.steps, 1)]
    match now.state:
        case "step":
            step = now.steps[now.at]
            ask = "put 50 g or more on it" if step.zero_grams is not None else ASKS[step.kind]
            trouble = f" ({now.trouble.replace('-', ' ')})" if now.trouble else ""
            told.append(f"now: {inert(step.device)}: {ask}{trouble}; {now.seconds} s left")
        case "review":
            told.append(f"not all was passed: `again N`, or `finish`; {now.seconds} s left")
        case "left":
            told.append(f"the check was left: {now.left.replace('-', ' ')}")
        case "done":
            told.append(RECORDS[now.record])
        case _:
            told.append(f"no check goes on; {RECORDS[now.record]}")
    return [*told, *([inert(now.why)] if now.why else ())]


def _step(step: StepAnswer) -> str:
    shown = [step.fault.replace("-", " "), step.note, step.seen]
    shown += [f"{step.grams} g"] if step.grams is not None else []
    shown += [f"{step.tags} tags"] if step.tags is not None else []
    said = ", ".join(inert(each) for each in shown if each)
    return f"{step.result or 'to do':8} {inert(step.device)} ({step.kind})" + (f": {said}" if said else "")
