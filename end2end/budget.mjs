// What a first visit costs on the wire, what the answers' headers promise, and what the command line says to mistakes.
// Against the release build; ends with `N passed, N failed`, and with 1 when something failed.
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBrotliDecompress } from "node:zlib";
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import { ROOT, SITE } from "./support/places.mjs";
import { command, startPortal } from "./support/portal.mjs";

const BYTES_AT_MOST = 200_000;
const REQUESTS_UNDER = 12;
const LOOKUP_BYTES_AT_MOST = 160_000;
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'";
const FOREVER = "public, max-age=31536000, immutable";
const LATE_MS = 20_000;

const executable = process.env.DEVMATRIX_BIN ?? join(ROOT, "target/release/devmatrix");
const count = { passed: 0, failed: 0 };

/** One claim: true, or why it is not. */
function claim(what, ok, got = "") {
  count[ok ? "passed" : "failed"] += 1;
  console.log(`${ok ? "  ok   " : "  FAIL "} ${what}${ok ? "" : `: ${typeof got === "string" ? got : JSON.stringify(got)}`}`);
}

const same = (what, got, wanted) => claim(what, got === wanted, `got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`);

/** A request on a connection of its own. `bytes`: the body as it was sent; `wire`: all that came over the connection. */
function ask(url, { method = "GET", headers = {}, form } = {}) {
  return new Promise((done, fail) => {
    const body = form && new URLSearchParams(form).toString();
    const sent = { "accept-encoding": "br", ...(body && { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) }), ...headers };
    const asked = request(url, { method, headers: sent, agent: false, timeout: LATE_MS }, (response) => {
      const { socket } = response;
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => done({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks), wire: socket.bytesRead }));
      response.on("error", fail);
    });
    asked.on("timeout", () => asked.destroy(new Error(`${method} ${url} does not answer`)));
    asked.on("error", fail);
    asked.end(body);
  });
}

async function plain({ headers, bytes }) {
  const stream = Readable.from([bytes]);
  return text(headers["content-encoding"] === "br" ? stream.pipe(createBrotliDecompress()) : stream);
}

async function firstVisit(url) {
  console.log("\n== The first visit of the home page, brotli, as it is sent");
  const signed = await ask(`${url}/sign-in`, { method: "POST", form: { person: "bea", return_to: "/" }, headers: { origin: url } });
  same("signing in as bea leads home", signed.headers.location, "/");
  const cookie = signed.headers["set-cookie"][0].split(";")[0];
  const home = await ask(`${url}/`, { headers: { cookie } });
  const html = await plain(home);
  const paths = [...named(html)];
  const rows = [["/", home]];
  for (const path of paths) rows.push([path, await ask(`${url}${path}`, { headers: { cookie } })]);
  const style = rows.find(([path]) => path.endsWith(".css"))?.[1];
  const fromStyle = style ? [...(await plain(style)).matchAll(/url\(["']?(?!data:|#)([^"')]+)/g)].map(([, path]) => path) : [];
  claim("the stylesheet loads nothing else", fromStyle.length === 0, fromStyle);
  // When the stream of events opens, the page looks once more whether it is still true.
  rows.push(["/ (once more, when live)", await ask(`${url}/`, { headers: { cookie, "x-live": "1" } })]);
  const total = rows.reduce((sum, [, { wire }]) => sum + wire, 0);
  const requests = rows.length + 1;
  console.log(`\n  ${"body".padStart(9)} ${"with head".padStart(9)}  encoding  what`);
  for (const [path, { bytes, wire, headers }] of rows) {
    console.log(`  ${String(bytes.length).padStart(9)} ${String(wire).padStart(9)}  ${(headers["content-encoding"] ?? "none").padEnd(8)}  ${path}`);
  }
  console.log(`  ${"".padStart(9)} ${String(total).padStart(9)}            ${requests} requests with the stream of events\n`);
  claim("HTML, style, script, WebAssembly and icon are all there", [/\.css$/, /boot\.js$/, /devmatrix\.[^.]+\.js$/, /\.wasm$/, /\.svg$/].every((kind) => paths.some((path) => kind.test(path))), paths);
  claim("every answer is 200", rows.every(([, { status }]) => status === 200), rows.map(([path, { status }]) => `${path} ${status}`));
  claim("every answer is sent as brotli", rows.every(([, { headers }]) => headers["content-encoding"] === "br"), rows.filter(([, { headers }]) => headers["content-encoding"] !== "br").map(([path]) => path));
  const islands = [...html.matchAll(/data-component="([^"]+)"/g)].map(([, name]) => name);
  const script = await plain(rows.find(([path]) => path.startsWith("/pkg/") && path.endsWith(".js"))[1]);
  const dead = islands.filter((name) => !script.includes(`function ${name}(`));
  claim("every island of the page has its code in the script", islands.length > 0 && dead.length === 0, { islands, dead });
  claim(`at most ${BYTES_AT_MOST} bytes`, total <= BYTES_AT_MOST, `${total} bytes`);
  claim(`fewer than ${REQUESTS_UNDER} requests`, requests < REQUESTS_UNDER, `${requests}`);
  return { cookie, html, rows };
}

/** What the document names: its style, its icon, its script, and what that script loads. */
function* named(html) {
  for (const [tag] of html.matchAll(/<(?:link|script)\b[^>]*>/g)) {
    for (const [, , path] of tag.matchAll(/\b(href|src|data-js|data-wasm)="([^"]+)"/g)) yield path;
  }
}

async function headers(url, { cookie, html, rows }) {
  console.log("\n== Headers");
  const wanted = {
    "/": { cookie },
    "/changes/CH-999": { cookie },
    "/sign-in": {},
    "/no/such/page": {},
    "/api/v1/matrix": { cookie },
    "/api/v1/nothing": {},
    "/healthz": {},
    "/boot.js": {},
    [rows.find(([path]) => path.endsWith(".wasm"))[0]]: {},
  };
  for (const [path, sent] of Object.entries(wanted)) {
    const { headers: got } = await ask(`${url}${path}`, { headers: sent });
    same(`${path}: the policy of content`, got["content-security-policy"], POLICY);
    same(`${path}: nosniff`, got["x-content-type-options"], "nosniff");
    same(`${path}: the referrer stays here`, got["referrer-policy"], "same-origin");
  }
  for (const [path, sent] of [["/", { cookie }], ["/sign-in", {}], ["/api/v1/matrix", { cookie }]]) {
    same(`${path}: nobody keeps it`, (await ask(`${url}${path}`, { headers: sent })).headers["cache-control"], "private, no-store");
  }
  const inline = [/<style\b/i, /\sstyle\s*=/i, /<script\b(?![^>]*\bsrc=)/i, /<[^>]+\son[a-z]+\s*=/i].filter((pattern) => pattern.test(html));
  claim("no script and no style stands in the HTML", inline.length === 0, inline.map(String));
  // A link is not loaded: whom one calls may be reached elsewhere.
  claim("nothing is loaded from elsewhere", !/(?:src|href)="(?:https?:)?\/\//.test(html.replace(/<a\b[^>]*>/gi, "")), "an address of another site");
  for (const [path, { headers: got, bytes }] of rows.filter(([name]) => name.startsWith("/pkg/"))) {
    same(`${path} is kept for ever`, got["cache-control"], FOREVER);
    const compressed = join(SITE, `${path}.br`);
    const size = existsSync(compressed) ? statSync(compressed).size : "no such file";
    same(`${path} is sent as it was compressed by the build`, bytes.length, size);
    const [file, sent] = [text(createReadStream(join(SITE, path))), plain({ headers: got, bytes })];
    claim(`${path} is the file`, (await file) === (await sent), "another content");
  }
  same("/boot.js is asked for again", (await ask(`${url}/boot.js`)).headers["cache-control"], "no-cache");
  const foreign = await ask(`${url}/`, { headers: { host: "evil.example" } });
  claim("another Host is not believed", foreign.status >= 400 && foreign.status < 500, `${foreign.status}`);
}

/** What a reader of `/on-call` pays who looks up a moment, and nobody else. */
async function lookup(url, { cookie, rows }) {
  console.log("\n== The lookup on /on-call, loaded when it is wanted");
  const paths = ["/on-call.js", "/oncall/oncall.js", "/oncall/oncall_bg.wasm"];
  claim("the home page loads none of it", !rows.some(([path]) => paths.includes(path)), rows.map(([path]) => path));
  const answers = [];
  for (const path of paths) answers.push(await ask(`${url}${path}`, { headers: { cookie } }));
  claim("it is all there, as brotli", answers.every(({ status, headers: got }) => status === 200 && got["content-encoding"] === "br"), answers.map(({ status }, n) => `${paths[n]} ${status}`));
  const total = answers.reduce((sum, { wire }) => sum + wire, 0);
  claim(`at most ${LOOKUP_BYTES_AT_MOST} bytes`, total <= LOOKUP_BYTES_AT_MOST, `${total} bytes`);
  console.log(`  ${total} bytes`);
}

function commandLine() {
  console.log("\n== The command line");
  const dir = mkdtempSync(join(tmpdir(), "devmatrix-budget-"));
  const file = (name, content) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const says = (what, args, exit, stderr, stdout = /^$/) => {
    const got = command(args, { executable });
    claim(`${what}: exit ${exit}`, got.exit === exit, got);
    claim(`${what}: says so`, stderr.test(got.stderr) && stdout.test(got.stdout), got);
    claim(`${what}: in a line or two`, got.stderr.split("\n").length <= 4, got.stderr);
    return got;
  };
  const escape = (path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  try {
    const head = "organisation: Example\nclusters:\n  - {name: one, provider: kubeconfig, kubeconfig: {path: x}}\n";
    const wrong = file("wrong.yaml", `${head}environments:\n  - name: dev\n    title: Dev\n    stage: 1\n    cluster: two\n    namespace: dev\n`);
    says("a reference to nothing", ["check", "--config", wrong], 1, new RegExp(`^${escape(wrong)}:8:14: .*\`two\`.*\\n$`));
    const unknown = file("unknown.yaml", `${head}enviroments: []\n`);
    says("a key that is not known", ["check", "--config", unknown], 1, new RegExp(`^${escape(unknown)}:4:1: .*\`enviroments\`.*did you mean \`environments\``));
    const broken = file("broken.yaml", "organisation: Example\nteams: [}\n");
    says("a file that is no YAML", ["check", "--config", broken], 1, new RegExp(`^${escape(broken)}:2:\\d+: `));
    says("a file that is not there", ["check", "--config", join(dir, "none.yaml")], 1, /none\.yaml/);
    const good = file("good.yaml", `${head}environments:\n  - {name: dev, stage: 1, cluster: one, namespace: dev}\n`);
    says("a good file", ["check", "--config", good], 0, /:3:\d+: warning: .*kubeconfig x/, /good\.yaml is good: 1 environment, 0 components, 1 cluster, 0 teams\.\n$/);
    says("the demo for everybody", ["serve", "--demo", "--listen", "0.0.0.0:0"], 2, /^The demo lets everyone in, so it does not listen on 0\.0\.0\.0:0.*\n$/);
    says("the demo with a configuration", ["serve", "--demo", "--config", good], 2, /--demo.*cannot be used with.*--config|--config.*cannot be used with.*--demo/);
    says("a command that does not exist", ["explode"], 2, /explode/);
    const token = says("a token", ["token", "create", "--user", "bea", "--scopes", "read", "--config", good, "--data-dir", join(dir, "data")], 0, /no team in .* names bea/, /^dmx_[0-9a-f]{64}\n$/);
    const list = command(["token", "list", "--json", "--data-dir", join(dir, "data")], { executable });
    claim("its secret is not kept", list.exit === 0 && !list.stdout.includes(token.stdout.trim()) && JSON.parse(list.stdout).items[0]?.user === "bea", list);
    says("a token for nothing", ["token", "create", "--user", "bea", "--scopes", "fly", "--data-dir", join(dir, "data")], 2, /`fly` is not a scope/);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (!existsSync(executable)) {
  console.error(`there is no release build at ${executable}: run \`make build\``);
  process.exit(1);
}
commandLine();
const portal = await startPortal({ name: "budget", executable });
try {
  const visit = await firstVisit(portal.url);
  await headers(portal.url, visit);
  await lookup(portal.url, visit);
} finally {
  await portal.stop();
}
console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed ? 1 : 0;
