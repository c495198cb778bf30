// What somebody does on the pages.
import { FACTS } from "./kit.mjs";

export const heading = page => page.locator("h1").innerText();

export async function shows(page, title) {
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
}

export const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

export async function account(page, user) {
  await shows(page, "Sign in");
  await page.getByLabel("User name").fill(user);
  await press(page, "Next");
}

export async function password(page, text = FACTS.password) {
  await shows(page, "Enter password");
  await page.getByLabel("Password", { exact: true }).fill(text);
  await press(page, "Sign in");
}

export async function signIn(page, user) {
  await account(page, user);
  await password(page);
}
