// What the scripts share: Chromium, signing in by keyboard, checks of a page.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The line that `obhut --json demo` prints.
export const demo = JSON.parse(process.env.OBHUT_DEMO);
export const base = `http://${demo.listening}`;
export const keyOf = (name) => demo.people.find((person) => person.name === name).key;

export function check(condition, what) {
  if (!condition) throw new Error(what);
}

export async function browser() {
  return chromium.launch({ executablePath: process.env.OBHUT_CHROMIUM, args: ["--no-sandbox"] });
}

// A page on which nothing from elsewhere is asked for and no script fails.
export async function page(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`${page.url()}: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith("blob:")) page.faults.push(`${page.url()} asks for ${url}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) page.faults.push(`${response.url()} answered ${response.status()}`);
  });
  return page;
}

// Signs in with nothing but keys: the field has the focus.
export async function signIn(page, name, to = "/") {
  await page.goto(base + to);
  // Typed sooner, the first letters are lost.
  await page.waitForFunction(() => document.activeElement.name === "key");
  await page.keyboard.type(keyOf(name));
  await Promise.all([page.waitForURL(base + to), page.keyboard.press("Enter")]);
}

// Presses a key that leads to another page.
export async function pressAndGo(page, key) {
  await Promise.all([page.waitForNavigation(), page.keyboard.press(key)]);
}

// Fails with what axe-core finds.
export async function accessible(page) {
  // Run in the page's own world: the policy refuses a script element.
  await page.evaluate(axeSource);
  const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  const all = found.violations.map((v) => `${v.id}: ${v.help} (${v.nodes.map((n) => n.target).join("; ")})`);
  check(all.length === 0, `${page.url()} (${page.viewportSize().width} px): ${all.join(", ")}`);
}

// Fails if the page is wider than the screen.
export async function fits(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(over <= 0, `${page.url()} is ${over} px wider than ${page.viewportSize().width} px`);
}

// The pages of the demo's main stations, by name; found by following links.
export async function stations(page) {
  const hrefs = async (path, selector) => {
    await page.goto(base + path);
    return page.$$eval(selector, (links) => links.map((link) => link.getAttribute("href")));
  };
  const [urgent] = await hrefs("/cases", "table.rows tbody a");
  const [exhibit] = await hrefs(urgent, "table.rows tbody a[href*='/exhibits/']");
  const [report] = await hrefs("/reports", "a[href^='/reports/report-']");
  const [alert] = await hrefs("/payments", "a[href^='/payments/alert-']");
  const all = {
    start: "/",
    queue: "/cases",
    case: urgent,
    exhibit,
    incoming: "/incoming",
    reports: "/reports",
    report,
    appeals: "/appeals",
    payments: "/payments",
    alert,
    lists: "/lists",
    people: "/people",
    audit: "/audit",
    vault: "/vault",
    statistics: "/statistics",
    setup: "/setup",
    system: "/system",
    steps: "/first/steps",
  };
  for (const [name, path] of Object.entries(all)) check(path, `the demo has no ${name}`);
  return all;
}
