// Other people's code as judge of our HTTP signatures, and the other way round.
//
// Reads a JSON array of tasks from standard input, writes an array of verdicts:
//   {library, action: "verify", spec, method, url, headers, body, keyId, publicKey}   -> {ok, why?}
//   {library, action: "sign", spec, method, url, body, keyId, privateKey, publicKey}  -> {headers}
// `spec` is "cavage" or "rfc9421"; bodies are base64. No network: keys come with the task.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const home = path.resolve(process.argv[2], "judge.mjs");
const require = createRequire(pathToFileURL(home));
const load = (name) => import(pathToFileURL(require.resolve(name)));

const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const target = (url) => new URL(url).pathname + new URL(url).search;

function peertube() {
  const lib = require("@peertube/http-signature");
  const order = (task) =>
    task.method === "POST" ? ["(request-target)", "host", "date", "digest"] : ["(request-target)", "host", "date"];
  return {
    verify(task) {
      const request = { method: task.method, url: target(task.url), headers: lower(task.headers), httpVersion: "1.1" };
      const parsed = lib.parseRequest(request, { headers: order(task), clockSkew: 300 });
      return { ok: parsed.keyId === task.keyId && lib.verifySignature(parsed, task.publicKey) };
    },
    async sign(task) {
      const headers = plainHeaders(task);
      const request = {
        method: task.method,
        path: target(task.url),
        getHeader: (name) => lower(headers)[name.toLowerCase()],
        setHeader: (name, value) => (headers[name] = value),
      };
      lib.signRequest(request, {
        key: task.privateKey, keyId: task.keyId, headers: order(task), algorithm: "rsa-sha256",
        authorizationHeaderName: "Signature",
      });
      headers.Signature = headers.Signature.replace(/^Signature /, "");
      return { headers };
    },
  };
}

async function misskey() {
  const lib = await load("@misskey-dev/node-http-message-signatures");
  return {
    async verify(task) {
      const request = { method: task.method, url: target(task.url), headers: lower(task.headers) };
      if (task.method === "POST") {
        const digest = await lib.verifyDigestHeader(request, Buffer.from(task.body, "base64"), true);
        if (digest !== true) return { ok: false, why: "digest" };
      }
      const parsed = lib.parseRequestSignature(request);
      const key = parsed.value.keyId === task.keyId ? task.publicKey : "";
      return { ok: parsed.version === "draft" && (await lib.verifyDraftSignature(parsed.value, key)) === true };
    },
    async sign(task) {
      const headers = plainHeaders(task);
      const names = ["(request-target)", "host", "date", ...(task.method === "POST" ? ["digest"] : [])];
      const request = { method: task.method, url: target(task.url), headers };
      const key = { privateKeyPem: task.privateKey, keyId: task.keyId };
      headers.Signature = (await lib.signAsDraftToRequest(request, key, names)).signatureHeader;
      return { headers };
    },
  };
}

async function fedify() {
  const lib = await load("@fedify/fedify");
  const spec = (task) => (task.spec === "cavage" ? "draft-cavage-http-signatures-12" : "rfc9421");
  const request = (task, headers) =>
    new Request(task.url, {
      method: task.method,
      headers,
      body: task.method === "POST" ? Buffer.from(task.body, "base64") : undefined,
    });
  return {
    async verify(task) {
      const document = {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        id: task.keyId, type: "CryptographicKey", owner: task.keyId.split("#")[0], publicKeyPem: task.publicKey,
      };
      const documentLoader = async (url) => {
        if (url !== task.keyId) throw new Error(`asked for ${url}`);
        return { document, documentUrl: url, contextUrl: null };
      };
      const key = await lib.verifyRequest(request(task, task.headers), { documentLoader, spec: spec(task) });
      return { ok: key?.id?.href === task.keyId };
    },
    async sign(task) {
      const der = Buffer.from(task.privateKey.replace(/-----[^-]+-----|\s/g, ""), "base64");
      const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
      const key = await crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
      const plain = request(task, { Accept: "application/activity+json", "Content-Type": "application/activity+json" });
      const signed = await lib.signRequest(plain, key, new URL(task.keyId), { spec: spec(task) });
      return { headers: { host: new URL(task.url).host, ...Object.fromEntries(signed.headers) } };
    },
  };
}

function plainHeaders(task) {
  const headers = { Host: new URL(task.url).host, Date: new Date().toUTCString() };
  if (task.method === "POST") {
    const { createHash } = require("node:crypto");
    const digest = createHash("sha256").update(Buffer.from(task.body, "base64")).digest("base64");
    Object.assign(headers, { Digest: `SHA-256=${digest}`, "Content-Type": "application/activity+json" });
  }
  return headers;
}

const makers = { peertube, misskey, fedify };
const judges = {};
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const verdicts = [];
for (const task of JSON.parse(Buffer.concat(chunks))) {
  try {
    judges[task.library] ??= await makers[task.library]();
    verdicts.push(await judges[task.library][task.action](task));
  } catch (error) {
    verdicts.push({ ok: false, why: String(error?.stack ?? error) });
  }
}
process.stdout.write(JSON.stringify(verdicts), () => process.exit(0));
