// Each role's day by keyboard, and every page in both languages, on a phone and on a desk.
import { browser, page, signIn, pressAndGo, accessible, fits, stations, base, check } from "./console.mjs";

const chromium = await browser();
const stories = [];
const story = (name, tell) => stories.push([name, tell]);

story("a reviewer looks at the most pressing case and decides it", async () => {
  const window = await page(chromium);
  await signIn(window, "Rita", "/cases");
  await pressAndGo(window, "n");
  const path = new URL(window.url()).pathname;
  check(path.startsWith("/cases/case-"), `the next case, and not ${path}`);
  check(await window.$("meter"), "the case says how pressing it is");
  check((await window.$$("img")).length === 0, "nothing is shown before it is asked for");
  // `?` lists the keys, Escape closes the list.
  await window.keyboard.press("?");
  const keys = await window.$$eval("dialog[open] dt", (all) => all.map((key) => key.textContent));
  check(keys.includes("v") && keys.includes("3"), `keys: ${keys}`);
  await window.keyboard.press("Escape");
  // Every file, each as long as its key is held.
  await pressAndGo(window, "v");
  for (;;) {
    await window.keyboard.down("w");
    await window.waitForSelector("#stage img");
    await window.keyboard.up("w");
    check((await window.$$("#stage img")).length === 0, "it is gone when the key is released");
    if (!(await window.$("a[rel=next]"))) break;
    await pressAndGo(window, "l");
  }
  await pressAndGo(window, "u");
  check(new URL(window.url()).pathname === path, "back at the case");
  // Two keys: grounds that are ready, and on to the next case.
  await window.keyboard.press("1");
  await pressAndGo(window, "Enter");
  const next = new URL(window.url()).pathname;
  check(next !== path && next.startsWith("/cases/case-"), `the next case, and not ${next}`);
  // One key takes it back, and it is decided again.
  await pressAndGo(window, "z");
  check(new URL(window.url()).pathname === path, "back at the case that was decided");
  await window.keyboard.press("1");
  await pressAndGo(window, "Enter");
  for (let tries = 0; tries < 60; tries += 1) {
    await window.goto(base + path);
    if (await window.$("ol.history")) break;
    await window.waitForTimeout(1_000);
  }
  check((await window.textContent("ol.history")).includes("Rita"), "who decided is on the page");
  return window;
});

story("an officer checks, previews and approves what waits", async () => {
  const window = await page(chromium);
  await signIn(window, "Olga", "/reports");
  await window.keyboard.press("j");
  await pressAndGo(window, "Enter");
  check(new URL(window.url()).pathname.startsWith("/reports/report-"), "a report");
  check(await window.$("pre, iframe, details"), "what would be sent can be read");
  // The key leads to the button, and doesn't press it.
  await window.keyboard.press("a");
  await pressAndGo(window, "Enter");
  const page_text = await window.textContent("main");
  check(page_text.includes("Approved by"), page_text);
  return window;
});

story("an approved report is filed, and its number shown", async () => {
  const window = await page(chromium);
  await signIn(window, "Olga", "/reports");
  for (let tries = 0; tries < 60; tries += 1) {
    await window.goto(`${base}/reports?status=filed`);
    if ((await window.$$("a[href^='/reports/report-']")).length > 0) return window;
    await window.waitForTimeout(500);
  }
  throw new Error("no report was filed within 30 seconds");
});

story("appeals, lists, people and the audit trail are where their roles look", async () => {
  let window;
  for (const [name, path] of [["Sami", "/appeals"], ["Ada", "/lists"], ["Ada", "/people"], ["Uwe", "/audit"]]) {
    window = await page(chromium);
    await signIn(window, name, path);
    check((await window.$$("main table tbody tr, main article, main section")).length > 0, `${path} is empty`);
  }
  return window;
});

story("every page is accessible and fits, in both languages", async () => {
  const window = await page(chromium);
  await signIn(window, "Rita");
  const paths = await stations(window);
  const screens = [
    { locale: "en-GB", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
    { locale: "de-DE", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
    // A window of 1,280 pixels at 200 %.
    { locale: "de-DE", viewport: { width: 640, height: 450 }, deviceScaleFactor: 2, colorScheme: "light" },
  ];
  const visitors = {
    Olga: ["reports", "report", "vault", "statistics"],
    Sami: ["appeals"],
    Ada: ["lists", "people", "setup", "system", "steps"],
    Uwe: ["audit"],
  };
  const others = Object.values(visitors).flat();
  visitors.Rita = Object.keys(paths).filter((name) => !others.includes(name));
  for (const screen of screens) {
    const outside = await page(chromium, screen);
    for (const path of ["/sign-in", "/appeal"]) {
      await outside.goto(base + path);
      await accessible(outside);
      await fits(outside);
    }
    for (const [name, pages] of Object.entries(visitors)) {
      const visit = await page(chromium, screen);
      await signIn(visit, name);
      for (const station of pages) {
        const answer = await visit.goto(base + paths[station]);
        check(answer.status() === 200, `${name} gets ${answer.status()} at ${station}`);
        const bytes = (await answer.body()).length;
        check(bytes <= 100_000, `${station} has ${bytes} bytes`);
        await accessible(visit);
        await fits(visit);
      }
      check(visit.faults.length === 0, visit.faults.join("\n"));
    }
  }
  return window;
});

story("without scripts a case can still be decided", async () => {
  const window = await page(chromium, { javaScriptEnabled: false });
  await signIn(window, "Sami", "/cases");
  await Promise.all([window.waitForNavigation(), window.click("form[action='/cases/next'] button")]);
  await window.click("input[name=ruling][value='report']");
  await window.fill("#grounds", "decided without scripts");
  await Promise.all([window.waitForNavigation(), window.click("form.decide button >> nth=0")]);
  check(new URL(window.url()).pathname.startsWith("/cases"), window.url());
  return window;
});

let failed = 0;
for (const [name, tell] of stories) {
  try {
    const window = await tell();
    check(window.faults.length === 0, window.faults.join("\n"));
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${error.message}`);
  }
}
await chromium.close();
process.exitCode = failed === 0 ? 0 : 1;
