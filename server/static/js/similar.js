// Shows questions like the one that is being written, a moment after the last letter. Without this they stand in the preview.

const WAIT = 350;

const place = document.querySelector("[data-similar]");
const title = document.querySelector("#title");
let timer = 0;
let asked = title?.value.trim() ?? "";
let going = new AbortController();

async function look() {
  const words = title.value.trim();
  if (words === asked) return;
  asked = words;
  going.abort();
  going = new AbortController();
  try {
    const address = `${place.dataset.similar}?title=${encodeURIComponent(words)}`;
    const answer = await fetch(address, { signal: going.signal, headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.body.innerHTML.trim() !== place.innerHTML.trim()) place.replaceChildren(...page.body.childNodes);
  } catch {
    // Somebody typed on, or the network is away: what is shown stays.
  }
}

if (place && title) {
  title.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT);
  });
}
