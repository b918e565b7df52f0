// Keeps the figures of a poll as they are now, while somebody looks at them. Without this they are those of when the
// page was opened.

const EVERY = 20_000;

const poll = document.querySelector("[data-live]");

async function look() {
  if (document.hidden || poll.querySelector("input:checked, details[open]")) return;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live], .poll");
    if (fresh && fresh.innerHTML !== poll.innerHTML && !poll.contains(document.activeElement)) {
      poll.replaceChildren(...fresh.childNodes);
    }
    if (!fresh?.matches("[data-live]")) clearInterval(timer);
  } catch {
    // The network is away: what is shown stays.
  }
}

const timer = poll && setInterval(look, EVERY);
