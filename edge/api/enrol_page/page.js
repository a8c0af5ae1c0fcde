// Checks the rows as they are typed, hands them in, and shows how the station stands while that changes.
"use strict";

const ROW = 20;
const STEPS = ["reaching", "asking", "papers", "enrolled"];
const TITLES = {
  none: ["This station is not enrolled", "bad"],
  asked: ["Enrolling…", ""],
  enrolled: ["Enrolled", "good"],
  renewing: ["Enrolled; its certificate is being renewed", "good"],
  expired: ["Its certificate has run out: it needs a new invitation", "bad"],
  ended: ["This station was taken out of service", "bad"],
};
const one = (id) => document.getElementById(id);
const inputs = [1, 2, 3, 4].map((n) => one(`row${n}`));
let current = inputs[0];
let shown = "";

const digitsOf = (input) => input.value.replace(/[\s-]/g, "");

// GS1 General Specifications 7.9.1: weights 3 and 1 in turn, from the right.
function isSound(digits) {
  if (!/^\d{20}$/.test(digits)) return false;
  let sum = 0;
  for (let at = 0; at < ROW - 1; at += 1) sum += Number(digits[at]) * ((ROW - 1 - at) % 2 ? 3 : 1);
  return (10 - (sum % 10)) % 10 === Number(digits[ROW - 1]);
}

function judge(input) {
  const digits = digitsOf(input);
  const said = /\D/.test(digits) ? "digits only"
    : digits.length > ROW ? `${digits.length - ROW} too many`
    : digits.length < ROW ? (digits ? `${ROW - digits.length} more` : "")
    : isSound(digits) ? "right" : "mistyped";
  const row = input.parentElement;
  row.classList.toggle("good", said === "right");
  row.classList.toggle("bad", said === "mistyped" || said === "digits only" || said.endsWith("too many"));
  input.setAttribute("aria-invalid", String(row.classList.contains("bad")));
  row.querySelector("span").textContent = said;
  one("go").disabled = !inputs.every((each) => isSound(digitsOf(each)));
  return said === "right";
}

function goOn(from) {
  const next = inputs.find((each) => each !== from && !isSound(digitsOf(each)));
  if (next) next.focus();
  else if (!one("go").disabled) one("go").focus();
}

for (const input of inputs) {
  input.addEventListener("focus", () => { current = input; });
  input.addEventListener("input", () => { if (judge(input)) goOn(input); });
  input.addEventListener("keydown", (event) => {
    // A browser that is slow on a small machine hears late that a key was let go; and twenty fours are a sound row.
    if (event.repeat && /^\d$/.test(event.key)) { event.preventDefault(); return; }
    if (event.key !== "Enter" && event.code !== "NumpadEnter") return;
    event.preventDefault();
    if (one("go").disabled) goOn(input);
    else one("form").requestSubmit();
  });
}

one("pad").addEventListener("click", (event) => {
  if (event.target.type !== "button") return;
  const digit = event.target.textContent;
  if (/^\d$/.test(digit)) { if (digitsOf(current).length < ROW) current.value += digit; }
  else current.value = current.value.slice(0, -1);
  if (judge(current)) goOn(current);
});

one("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  one("go").disabled = true;
  try {
    const answer = await fetch("/enrol/invitation", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ rows: inputs.map(digitsOf) }),
    });
    const said = await answer.json();
    if (!answer.ok) { one("words").textContent = said.detail; inputs.forEach(judge); return; }
    for (const input of inputs) { input.value = ""; judge(input); }
    show(said);
  } catch {
    one("words").textContent = "The station does not answer; try again.";
    inputs.forEach(judge);
  }
});

function show(standing) {
  const state = standing.state;
  const changed = state !== shown;
  shown = state;
  const [title, look] = TITLES[state] || [state, ""];
  one("title").textContent = title;
  one("title").className = look;
  const isGood = state === "enrolled" || state === "renewing";
  const until = standing.not_after_us ? new Date(standing.not_after_us / 1000).toISOString().slice(0, 10) : "";
  one("words").textContent = isGood
    ? `${standing.position} of ${standing.store}, as ${standing.identity}; its certificate is good until ${until}.`
    : standing.words;
  const asks = state === "none" || state === "expired" || state === "ended";
  one("form").hidden = !asks;
  one("steps").hidden = asks;
  const at = isGood ? STEPS.length : STEPS.indexOf(standing.step);
  STEPS.forEach((step, index) => {
    one(step).classList.toggle("done", index < at);
    one(step).classList.toggle("now", index === at);
  });
  if (asks && changed) current.focus();
  if (isGood && changed) goToCheck();
}

// A station that is new walks the technician through its devices at once.
async function goToCheck() {
  try {
    const answer = await fetch("/enrol/check/standing");
    const check = answer.ok ? await answer.json() : {};
    one("check").hidden = !answer.ok;
    if (check.state === "step" || check.state === "review") location.replace("/enrol/check");
    else if (check.to_check) setTimeout(goToCheck, 500);
  } catch {
    setTimeout(goToCheck, 500);
  }
}

async function watch() {
  try {
    const answer = await fetch("/enrol/standing");
    if (answer.ok) show(await answer.json());
  } catch {
    // The station begins anew once it is enrolled: it answers again in a moment.
  }
  setTimeout(watch, 500);
}
watch();
