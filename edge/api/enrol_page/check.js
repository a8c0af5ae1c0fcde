// Shows how the hand-over check stands, as the station tells it, and says to the station what a person says.
"use strict";

const one = (id) => document.getElementById(id);
const ASKS = {
  scan: () => ["Scan the CHECK card", (s) => `with ${s.device}`],
  weigh: (s) => s.zero_grams === null ? ["Take everything off the scale", (t) => t.device]
    : ["Put something on the scale", (t) => `${t.device}: 50 g or more`],
  tag: () => ["Hold a tag before the antenna", (s) => s.device],
  card: () => ["Hold a card to the reader", (s) => s.device],
  button: () => ["Press the button", (s) => s.device],
  lights: () => ["Red, then green: did you see it?", () => "Answer here, or scan YES or NO"],
  tone: () => ["Three short tones: did you hear them?", () => "Answer here, or scan YES or NO"],
  ready: () => ["One moment", (s) => `waiting for ${s.device}`],
};
const WORDS = {
  "absent": "it is not there: plug it in", "lost": "it went away: plug it in", "failed": "its driver broke",
  "not-done": "nothing came in time", "another-code": "that was another code", "another-device": "that was another scanner",
  "bad-card": "the card came through damaged: look at the scanner's keyboard setting", "unstable": "it moves: let it rest",
  "overload": "too much on it", "under-zero": "below zero: set it to zero", "scale-fault": "the scale reports a fault",
  "not-empty": "it is not empty", "not-seen": "not seen", "not-heard": "not heard", "by-hand": "left by hand",
  "nobody-there": "nobody was there",
};
const SIGNS = { passed: "\u2713", failed: "\u2717", skipped: "\u2013" };
let standing = null;
let place = "";

const words = (name) => WORDS[name] || name.replace(/-/g, " ");

function seen(step) {
  if (step.grams !== null) return `${step.grams} g`;
  if (step.tags !== null) return `${step.tags} tag${step.tags === 1 ? "" : "s"}`;
  return "";
}

function put(title, look, more, trouble) {
  one("ask").textContent = title;
  one("ask").className = look;
  one("more").textContent = more;
  one("trouble").textContent = trouble;
}

function sayWhatIsAsked(now) {
  const step = now.steps[now.at];
  const record = { kept: "The record is on its way to the hub.", taken: "The hub has the signed record.",
    refused: `The hub did not take the record: ${now.why}`, none: now.why };
  if (now.state === "step") {
    const [title, of] = ASKS[step.kind](step);
    const scale = step.kind === "weigh" && now.scale && !now.trouble ? ` \u00b7 shows ${words(now.scale)}` : "";
    put(title, "", of(step) + scale, now.trouble ? words(now.trouble) : "");
  } else if (now.state === "review") {
    put("Not all was passed", "bad", "Do it again, or finish as it is.", "");
  } else if (now.state === "done") {
    const gaps = now.steps.some((each) => each.result !== "passed");
    put(gaps ? "Accepted, with gaps" : "Accepted", gaps ? "" : "good", record[now.record], "");
  } else if (now.state === "left") {
    put("The check was left", "", words(now.left), "");
  } else {
    put("Hand-over check", "", now.to_check ? "It begins in a moment." : record[now.record], "");
  }
}

function listSteps(now) {
  const items = now.steps.map((step, number) => {
    const item = document.createElement("li");
    item.className = step.result || (now.state === "step" && number === now.at ? "now" : "");
    const more = step.result === "failed" ? words(step.fault) : step.result === "skipped" ? step.note : seen(step);
    const wide = now.state !== "step" || step.result;
    item.textContent = `${SIGNS[step.result] || number + 1} ${step.device}${step.kind === "tone" ? " tone" : ""}`
      + (wide && more ? `: ${more}` : "");
    if (step.result && step.result !== "passed" && (now.state === "review" || now.state === "step")) {
      const again = document.createElement("button");
      again.type = "button";
      again.textContent = "Again";
      again.addEventListener("click", () => say("again", { step: number }));
      item.append(again);
    }
    return item;
  });
  one("steps").replaceChildren(...items);
}

function show(now) {
  const step = now.state === "step" ? now.steps[now.at] : null;
  const before = standing;
  standing = now;
  sayWhatIsAsked(now);
  listSteps(now);
  const running = now.state === "step" || now.state === "review";
  one("where").textContent = step ? `${place}Hand-over check \u00b7 ${now.at + 1} of ${now.steps.length}`
    : `${place}Hand-over check`;
  document.querySelector("[data-do=begin]").textContent = now.state === "none" ? "Begin" : "Check again";
  one("left").textContent = running ? `${now.seconds} s` : "";
  if (!step || (before && before.at !== now.at)) one("skipping").hidden = true;
  const can = { yes: now.asks, no: now.asks, finish: now.state === "review", begin: !running, leave: running };
  for (const button of document.querySelectorAll("[data-do]")) button.hidden = !can[button.dataset.do];
  one("skip").hidden = !step;
  one("deeds").hidden = !one("skipping").hidden;
  one("who").hidden = !running;
  if (document.activeElement !== one("person") && now.person) one("person").value = now.person;
}

async function say(word, more = {}) {
  try {
    const answer = await fetch("/enrol/check", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ do: word, ...more }),
    });
    const said = await answer.json();
    if (answer.ok) show(said);
    else one("trouble").textContent = said.detail;
  } catch {
    one("trouble").textContent = "The station does not answer; try again.";
  }
}

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => say(button.dataset.do));
}
for (const button of document.querySelectorAll("[data-skip]")) {
  button.addEventListener("click", () => { one("skipping").hidden = true; say("skip", { text: button.dataset.skip }); });
}
one("skip").addEventListener("click", () => { one("skipping").hidden = false; one("deeds").hidden = true; });
one("not-skipping").addEventListener("click", () => { one("skipping").hidden = true; one("deeds").hidden = false; });
one("who").addEventListener("submit", (event) => {
  event.preventDefault();
  one("person").blur();
  say("who", { text: one("person").value });
});

function listen() {
  const events = new EventSource("/enrol/check/events");
  events.onmessage = (event) => show(JSON.parse(event.data));
  events.onerror = () => {
    // A station that has become somebody else begins anew; the browser gives up after some answers.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 1000);
  };
}
async function learnPlace() {
  try {
    const answer = await fetch("/enrol/standing");
    if (answer.ok) {
      const who = await answer.json();
      place = who.position ? `${who.position} of ${who.store} \u00b7 ` : "";
    }
  } catch {
    // The check itself tells when the station does not answer.
  }
}

put("Hand-over check", "", "", "");
learnPlace().then(listen);
