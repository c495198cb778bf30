// What the browser tests share: the server that runs, the packages that the test command installed, cases with
// one line each, and a Chromium that trusts the server's CA and no other.
import { execFileSync } from "node:child_process";
import { createHmac, X509Certificate } from "node:crypto";
import fs from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const [readyFile, factsFile] = process.argv.slice(2);
export const READY = JSON.parse(fs.readFileSync(readyFile, "utf8"));
export const FACTS = JSON.parse(fs.readFileSync(factsFile, "utf8"));
export const BASE = READY.endpoints.login;
export const TENANT = READY.tenants[0].id;
export const AUTHORITY = `${BASE}/${TENANT}`;
export const SCOPE = "https://api.powerplatform.com/.default";
export const MODULES = process.env.CARNET_TEST_NODE_MODULES;
export const need = createRequire(path.join(MODULES, "/"));
// Every wait ends as a failure after this, in milliseconds.
export const PATIENCE = 20_000;

export function check(good, why) {
  if (!good) throw new Error(why);
}

export function same(got, wanted, what) {
  check(JSON.stringify(got) === JSON.stringify(wanted), `${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
}

// Runs the cases, so many at a time, tells of each, and ends the process.
export async function run(cases, { lanes = 1, end } = {}) {
  const only = process.env.CARNET_TEST_ONLY;
  const waiting = Object.entries(cases).filter(([name]) => !only || name.includes(only));
  let failed = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, act] = next;
      try {
        await act();
        console.log(`PASS ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL ${name}: ${String(error.stack ?? error).split("\n").slice(0, 12).join(" | ")}`);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await end?.();
  process.exit(failed ? 1 : 0);
}

// Chromium, with a home of its own in which the server's CA and the given certificates are trusted: everything is
// checked as it is for a person.
export async function chromium(...peers) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "carnet-chromium-"));
  const store = path.join(home, ".pki/nssdb");
  fs.mkdirSync(store, { recursive: true });
  const certutil = (...more) => execFileSync("certutil", [...more, "-d", `sql:${store}`], { stdio: "pipe" });
  certutil("-N", "--empty-password");
  certutil("-A", "-t", "C,,", "-n", "server", "-i", READY.ca_file);
  peers.forEach((file, at) => certutil("-A", "-t", "P,,", "-n", `peer ${at}`, "-i", file));
  const { chromium: driver } = need("playwright-core");
  const launch = () => driver.launch({
    executablePath: process.env.CARNET_TEST_CHROMIUM,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
  });
  let running = launch();
  await running;
  // On a busy machine Chromium itself may be gone before a window is asked for; it is started anew then. One that is
  // gone in the middle of a case fails that case.
  const newContext = async options => {
    const mine = running, browser = await mine;
    try {
      return await browser.newContext(options);
    } catch (error) {
      if (browser.isConnected()) throw error;
      console.log(`Chromium was gone and is started anew: ${error.message.split("\n")[0]}`);
      if (running === mine) running = launch();
      return (await running).newContext(options);
    }
  };
  const end = async () => {
    await (await running).close();
    fs.rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { browser: { newContext }, end };
}

// The address that an application on this machine gives: answers land here. `next` waits for one.
// `where`: a port, or a listening socket that was handed over.
export async function application(where = { port: 0, host: "127.0.0.1" }) {
  const waiting = [], arrived = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.on("data", piece => (body += piece)).on("end", () => {
      const url = new URL(request.url, "http://localhost");
      const fields = Object.fromEntries(new URLSearchParams(request.method === "POST" ? body : url.search));
      answer.setHeader("content-type", "text/html; charset=utf-8");
      answer.end("<!doctype html><html lang=en><title>Back</title><main><h1>Back at the application</h1></main></html>");
      if (url.pathname !== "/") return;
      (waiting.shift() ?? (it => arrived.push(it)))({ ...fields, method: request.method });
    });
  });
  await new Promise(done => server.listen(where, done));
  const next = () => arrived.length ? Promise.resolve(arrived.shift()) : within(new Promise(done => waiting.push(done)), "an answer at the application");
  return { uri: `http://localhost:${server.address().port}`, next, end: () => server.close() };
}

// An application that browsers reach over TLS, on the listening socket that was handed over. `pages` gives the type
// and the body of an address, or nothing.
export async function site(pages) {
  const server = createTlsServer({ key: FACTS.site.key, cert: FACTS.site.certificate }, (request, answer) => {
    const [type, body] = pages(new URL(request.url, BASE)) ?? [];
    answer.writeHead(type ? 200 : 404, { "content-type": `${type ?? "text/plain"}; charset=utf-8` }).end(body);
  });
  await new Promise(done => server.listen({ fd: 0 }, done));
  return `https://localhost:${FACTS.site.port}`;
}

export function within(promise, what) {
  let clock;
  const late = new Promise((_, no) => (clock = setTimeout(() => no(new Error(`${what} did not come`)), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(clock));
}

// The code that an authenticator shows now (RFC 6238; six digits, 30 seconds, SHA-1).
export function totp(key) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replace(/[\s=]/g, "").toUpperCase()].map(it => letters.indexOf(it).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map(it => parseInt(it, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", bytes).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

export function thumbprint(pem) {
  return new X509Certificate(pem).fingerprint256.replaceAll(":", "");
}

// What a token says.
export function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}
