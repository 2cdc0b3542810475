// Answers the form "who is on call at any moment" as soon as its moment or zone changes: with the server's own code, compiled to
// WebAssembly, from what the server knows of the rotation. All of it is loaded when the reader first comes to the form. Without this
// the form asks the server.
const form = document.querySelector("form[data-lookup]");
const { at, zone, rotation } = form.elements;
const answered = document.getElementById("lookup-answer");
const refused = document.getElementById("lookup-error");

let lookup;
let version;
let question = 0;

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

let module;
function loaded() {
  module ??= import("/oncall/oncall.js").then(async (oncall) => {
    await oncall.default();
    return oncall.Lookup;
  });
  return module;
}

async function addZone(name) {
  if (lookup.has_zone(name)) return;
  const rules = await (await fetched(`/api/v1/zone?name=${encodeURIComponent(name)}`)).arrayBuffer();
  lookup.add_zone(name, new Uint8Array(rules));
}

let knowing = Promise.resolve();
/** The rotation as it is now, and the zone that is chosen: one after the other, nothing twice. */
const known = () => (knowing = knowing.catch(() => {}).then(learn));

async function learn() {
  const Lookup = await loaded();
  lookup ??= new Lookup();
  await addZone(zone.value);
  const wanted = form.dataset.version;
  if (version !== wanted) {
    const timeline = await (await fetched(`/api/v1/rotations/${form.dataset.lookup}/timeline`)).text();
    await Promise.all(Lookup.zones_of(timeline).map(addZone));
    lookup.read(timeline);
    version = wanted;
  }
}

async function answer() {
  const mine = ++question;
  // Another rotation is another page, and half a date is no question.
  if (rotation.value !== form.dataset.lookup || !at.value) return;
  try {
    await known();
  } catch {
    module = lookup = version = undefined;
    return;
  }
  if (mine !== question) return;
  try {
    show(JSON.parse(lookup.answer(at.value, zone.value)));
  } catch (sentence) {
    refuse(String(sentence));
  }
}

function show(found) {
  const parts = document.getElementById("lookup-parts").content;
  const [table, foot] = [parts.querySelector("table"), parts.querySelector("p.panel-foot")].map((part) => part.cloneNode(true));
  table.caption.textContent = `On call on ${found.at}`;
  table.tBodies[0].append(...found.on_call.roles.map((held, n) => row(parts, held, found.roles[n])));
  foot.querySelector("span").textContent = `Shift of ${found.shift}`;
  foot.querySelector("a").search = new URLSearchParams({ rotation: found.on_call.rotation, at: found.on_call.at });
  say("", table, foot);
  const asked = new URLSearchParams(location.search);
  for (const field of [rotation, at, zone]) asked.set(field.name, field.value);
  // A reload shows the same.
  history.replaceState(history.state, "", `${location.pathname}?${asked}`);
}

function row(parts, held, said) {
  const row = document.createElement("tr");
  const role = row.appendChild(document.createElement("th"));
  role.scope = "row";
  role.textContent = said.role;
  const who = row.insertCell();
  who.dataset.label = "Who";
  who.append(holder(parts, held.participant ?? ""));
  const why = row.insertCell();
  why.dataset.label = "Why";
  why.textContent = said.why;
  return row;
}

/** As the server writes it; who was on call once and is not in the configuration any more has a name only. */
function holder(parts, participant) {
  const part = [...parts.querySelectorAll("[data-holder]")].find((one) => one.dataset.holder === participant);
  if (part) return part.cloneNode(true);
  const name = document.createElement("div");
  name.dataset.holder = participant;
  name.textContent = lookup.title_of(participant);
  return name;
}

const refuse = (sentence) => say(sentence);

/** Live updates leave this alone from now on: it is what the reader asked. */
function say(sentence, ...parts) {
  for (const place of [answered, refused]) place.dataset.keep = "";
  refused.textContent = sentence;
  refused.hidden = !sentence;
  answered.replaceChildren(...parts);
}

form.addEventListener("focusin", () => known().catch(() => {}), { once: true });
form.addEventListener("input", answer);
// What is arranged meanwhile counts too.
new MutationObserver(() => "keep" in answered.dataset && answer()).observe(form, { attributeFilter: ["data-version"] });
