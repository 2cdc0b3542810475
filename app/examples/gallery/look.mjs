// Looks at the gallery: serves it with the portal's Content-Security-Policy, takes a picture of each page at 1440 and 320
// pixels, runs axe (WCAG A and AA, best practice, target-size on) and fails on any finding, console message, sideways
// scrolling or missing single h1.
//   node app/examples/gallery/look.mjs [folder] [css] [only]
import { createServer } from "node:http";
import { readFile, readdir, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [folder = "target/gallery", css = "target/gallery/app.css", only = ""] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const types = { html: "text/html; charset=utf-8", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const server = createServer(async (request, response) => {
  const path = new URL(request.url, "http://x").pathname;
  const file = path === "/pkg/app.css" ? css : path.endsWith(".html") ? `${folder}${path}` : `public${path}`;
  try {
    const body = path === "/boot.js" ? "" : await readFile(file);
    response.writeHead(200, { "content-type": types[file.split(".").pop()] ?? "text/plain", "content-security-policy": CSP }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}).listen(0, "127.0.0.1");
await new Promise((done) => server.once("listening", done));
const base = `http://127.0.0.1:${server.address().port}`;
await mkdir(`${folder}/shots`, { recursive: true });

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let findings = 0;
const say = (where, what) => (findings++, console.log(`${where}: ${what}`));
const pages = (await readdir(folder)).filter((name) => name.endsWith(".html") && name.includes(only));
for (const width of [1440, 320]) {
  const context = await browser.newContext({ viewport: { width, height: width === 320 ? 640 : 900 }, bypassCSP: false });
  const page = await context.newPage();
  let where = "";
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && say(where, message.text()));
  page.on("pageerror", (error) => say(where, error.message));
  for (const name of pages) {
    where = `${name} ${width}`;
    await page.goto(`${base}/${name}`);
    await page.screenshot({ path: `${folder}/shots/${name.replace(".html", "")}-${width}.png`, fullPage: true });
    const facts = await page.evaluate(() => ({ h1: document.querySelectorAll("h1").length, wide: document.documentElement.scrollWidth - innerWidth }));
    if (facts.h1 !== 1) say(where, `${facts.h1} h1`);
    if (facts.wide > 0) say(where, `scrolls sideways by ${facts.wide} px`);
    // The page's policy forbids eval: axe comes in by the browser's own protocol.
    const session = await context.newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: axe });
    await session.detach();
    const result = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "target-size": { enabled: true } } }));
    for (const violation of result.violations) say(where, `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 140)).slice(0, 3).join(" | ")} (${violation.nodes.length})`);
  }
  await context.close();
}
await browser.close();
server.close();
console.log(`${pages.length} pages at 2 widths: ${findings} findings`);
process.exit(findings ? 1 : 0);
