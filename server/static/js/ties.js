// Offers posts that fit the words in the field "what does it belong with", a moment after the last letter. What is ticked
// stays. Without this they are offered when the form is sent.

const WAIT = 350;
const ADDRESS = /^(https?:\/\/|\/p\/)/;

const field = document.querySelector("[data-ties]");
const typed = field?.querySelector("textarea");
const chosen = field?.querySelector("[data-chosen]");
const offered = field?.querySelector("[data-found]");
let timer = 0;
let asked = words();
let going = new AbortController();

function words() {
  const lines = (typed?.value ?? "").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line && !ADDRESS.test(line)).at(-1) ?? "";
}

async function look() {
  const wanted = words();
  if (wanted === asked) return;
  asked = wanted;
  going.abort();
  going = new AbortController();
  try {
    const address = `${field.dataset.ties}?q=${encodeURIComponent(wanted)}`;
    const answer = await fetch(address, { signal: going.signal, headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const box of page.querySelectorAll("input")) {
      if (chosen.querySelector(`#${box.id}`)) box.closest(".tick").remove();
    }
    offered.replaceChildren(...page.body.children);
  } catch {
    // Somebody typed on, or the network is away: what is shown stays.
  }
}

// Ticked with the keyboard or the mouse it moves up to what is chosen, and the words have done their work.
function take(event) {
  const box = event.target;
  if (!box.checked) return;
  chosen.append(box.closest(".tick"));
  const lines = typed.value.split("\n");
  typed.value = lines.filter((line) => line.trim() !== asked).join("\n").trim();
  asked = words();
  box.focus();
}

if (field) {
  typed.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT);
  });
  offered.addEventListener("change", take);
}
