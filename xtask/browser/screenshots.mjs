// One picture per main page of the demo, into the folder given.
import { browser, page, signIn, stations, base, check } from "./console.mjs";

const [folder] = process.argv.slice(2);
// Who opens which page.
const visitors = {
  Rita: ["start", "queue", "case", "exhibit", "incoming", "payments", "alert"],
  Olga: ["reports", "report", "vault", "statistics"],
  Sami: ["appeals"],
  Ada: ["lists", "people", "setup", "system"],
  Uwe: ["audit"],
};

const chromium = await browser();
const reviewer = await page(chromium);
await signIn(reviewer, "Rita");
const paths = await stations(reviewer);
for (const [name, pages] of Object.entries(visitors)) {
  const window = await page(chromium, { viewport: { width: 1280, height: 860 } });
  await signIn(window, name);
  for (const station of pages) {
    const answer = await window.goto(base + paths[station]);
    check(answer.status() === 200, `${name} gets ${answer.status()} at ${station}`);
    if (station === "exhibit") {
      // What a reviewer sees first: small, grey and blurred, and only while the key is held.
      await window.keyboard.down("b");
      await window.waitForSelector("#stage img");
    }
    await window.screenshot({ path: `${folder}/${station}.png` });
    if (station === "exhibit") await window.keyboard.up("b");
  }
  check(window.faults.length === 0, window.faults.join("\n"));
}
const phone = await page(chromium, { viewport: { width: 390, height: 844 }, locale: "de-DE", colorScheme: "dark" });
await signIn(phone, "Rita");
await phone.goto(base + paths.case);
await phone.screenshot({ path: `${folder}/case-phone-de.png` });
await chromium.close();
