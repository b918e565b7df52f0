// Keeps the count of unread notices right while a page stays open. Asks once a minute, and only while it is looked at.

const SECONDS = 60;
const bell = document.querySelector("a.bell[href=\"/notifications\"]");
const live = document.getElementById("live");

function show({ unread, said, unit }) {
  const before = Number(bell.querySelector(".figure")?.textContent ?? 0);
  if (unread === before) return;
  bell.querySelector(".count")?.remove();
  if (unread) {
    const count = document.createElement("span");
    count.className = "count";
    const figure = document.createElement("span");
    figure.className = "figure";
    figure.textContent = String(unread);
    const what = document.createElement("span");
    what.className = "sr-only";
    what.textContent = ` ${unit}`;
    count.append(figure, what);
    bell.append(" ", count);
  }
  if (unread > before && live) live.textContent = said;
}

async function ask() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch("/notifications/count", { headers: { Accept: "application/json" }, redirect: "error" });
    if (answer.status === 401) clearInterval(timer);
    if (answer.ok) show(await answer.json());
  } catch {
    // The network is away; the next minute comes.
  }
}

let timer = 0;
if (bell) {
  timer = setInterval(ask, SECONDS * 1000);
  document.addEventListener("visibilitychange", ask);
  bell.addEventListener("torv:ask", ask);
}
