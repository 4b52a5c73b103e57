// Talks to the site. An answer says what became of the request, so that nobody has to guess.

const PATIENCE_MS = 20_000;
const UNKNOWN_SENDER = ["not_authenticated", "authentication_failed", "csrf_failed"];

/** Return a UUID; `crypto.randomUUID` is there on secure addresses only. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Read afresh each time: it changes when somebody logs in in another tab. */
function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/)?.[1] ?? "";
}

/**
 * Send JSON and return {ok, lost, out, status, body}: `lost` where no server answered (it may have
 * heard the request all the same), `out` where it no longer knows the sender, `gone` where it knows
 * them, but what they ask about is no longer theirs.
 */
export async function send(method, url, { body = {}, key = "", keepalive = false } = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(url, {
      method, headers, keepalive, body: JSON.stringify(body), credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const answer = await response.json();
    const { status, ok } = response;
    const out = isOut(status, answer);
    return {
      ok, status, body: answer,
      lost: status >= 500 || status === 429, out, gone: !out && [403, 404].includes(status),
    };
  } catch {
    // A page instead of JSON is a proxy speaking for a server that is gone.
    return { ok: false, lost: true, out: false, gone: false, status: response?.status ?? 0, body: {} };
  }
}

/** Whether the server does not know the sender; a request that looks forged counts as one. */
function isOut(status, { code, detail }) {
  if (status === 401) return true;
  return status === 403 && (UNKNOWN_SENDER.includes(code) || String(detail).startsWith("CSRF"));
}

/** Return the document at `url`; null where the server did not answer with one of ours. */
export async function page(url) {
  try {
    const response = await fetch(url, {
      credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return null;
  }
}

/** Post JSON for a document; null where the server did not answer with one of ours. */
export async function sendForPage(url, body) {
  try {
    const response = await fetch(url, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return null;
  }
}
