// Brings the islands to life: loads the WebAssembly when the page has painted and the browser is idle, then hydrates each
// <leptos-island>. The names of the files come from the script element, as they carry hashes. Without this the pages work.
const { js, wasm } = document.querySelector("script[data-wasm]").dataset;

async function start() {
  const portal = await import(js);
  await portal.default({ module_or_path: wasm });
  portal.hydrate();
  for (const island of document.querySelectorAll("leptos-island")) {
    const hydrate = portal[island.dataset.component];
    if (hydrate) hydrate(island);
    else console.error(`The page and its WebAssembly are of different builds: there is no ${island.dataset.component}.`);
  }
  if (document.querySelector("[data-lookup]")) await import("/on-call.js");
}

const whenIdle = () => ("requestIdleCallback" in window ? requestIdleCallback(start, { timeout: 2000 }) : setTimeout(start, 200));
if (document.readyState === "complete") whenIdle();
else addEventListener("load", whenIdle, { once: true });
