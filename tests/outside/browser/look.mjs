// What holds on every page, whatever it is for; and a picture of it.
import fs from "node:fs";
import path from "node:path";
import { PATIENCE, application, need, same, within } from "./kit.mjs";

const AXE = need("axe-core").source;
const PICTURES = process.env.CARNET_TEST_SCREENSHOTS;
if (PICTURES) fs.mkdirSync(PICTURES, { recursive: true });

const SIZES = { 320: { width: 320, height: 568 }, 1280: { width: 1280, height: 800 } };
// The last one is the one in which axe looks: dark where it is narrow, light where it is wide.
const SCHEMES = { 320: ["light", "dark"], 1280: ["dark", "light"] };
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };

// One browser window of somebody, and the application that they use; what its console says against us is kept.
export async function person(browser, script = true) {
  const context = await browser.newContext({ javaScriptEnabled: script, viewport: SIZES[1280] });
  context.setDefaultTimeout(PATIENCE);
  const [page, app] = [await context.newPage(), await application()];
  const said = [];
  page.on("console", it => it.type() === "error" && said.push(it.text()));
  page.on("pageerror", it => said.push(String(it)));
  const leave = async () => {
    // A page that refuses is a 400, and the console says so.
    same(said.filter(it => !it.includes("status of 400")), [], "the console");
    app.end();
    await context.close();
  };
  return { page, app, said, leave, script, mode: script ? "script" : "plain" };
}

// Read by the browser: what holds on every page, whatever it is for.
function sound() {
  const seen = it => it.type !== "hidden" && !it.hidden;
  const fields = [...document.querySelectorAll("input,select,textarea")].filter(seen);
  const first = fields[0];
  return {
    title: document.title !== "", language: document.documentElement.lang,
    headings: document.querySelectorAll("h1").length, mains: document.querySelectorAll("main").length,
    unlabelled: fields.filter(it => !it.labels?.length).map(it => it.name),
    focus: !first || first.type === "checkbox" || document.activeElement === (document.querySelector("[aria-invalid]") ?? first),
    wide: document.documentElement.scrollWidth > window.innerWidth,
    cut: [...document.querySelectorAll("main *")].filter(it => it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).display !== "inline").map(it => it.outerHTML.slice(0, 80)),
  };
}

// Looks at the page that is shown, in every size and colour. `focus`: it begins in the field that was wrong, else in the first one.
export async function look({ page, mode, script }, name, focus = true) {
  await page.waitForLoadState();
  for (const [width, size] of Object.entries(SIZES)) {
    await page.setViewportSize(size);
    for (const colorScheme of SCHEMES[width]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const at = `${name}-${width}-${colorScheme}-${mode}`;
      if (PICTURES) await page.screenshot({ path: path.join(PICTURES, `${at}.png`), fullPage: true });
      const found = await page.evaluate(sound);
      same({ ...found, focus: found.focus || !focus }, { title: true, language: "en", headings: 1, mains: 1, unlabelled: [], focus: true, wide: false, cut: [] }, at);
    }
    if (script) await inspect(page, script, `${name}-${width}-${mode}`);
  }
  if (!script) await inspect(page, script, `${name}-${mode}`);
}

// Axe is a script: what a page without script shows is laid out again where axe can run.
async function inspect(page, script, at) {
  const shown = script ? page : await copied(page);
  await shown.evaluate(AXE);
  const { violations } = await within(shown.evaluate(rules => globalThis.axe.run(rules), RULES), "what axe says");
  if (!script) await shown.context().close();
  same(violations.map(it => [it.id, it.nodes[0]?.html.slice(0, 120)]), [], `${at}: axe`);
}

async function copied(page) {
  const colorScheme = await page.evaluate(() => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
  const context = await page.context().browser().newContext({ viewport: page.viewportSize(), colorScheme });
  const copy = await context.newPage();
  const text = await page.content();
  await copy.setContent(text.replace(/<script>.*?<\/script>|<iframe.*?<\/iframe>|<\/?noscript>/gs, ""));
  return copy;
}

