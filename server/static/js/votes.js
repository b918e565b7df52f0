// Votes without loading the page again. Without this script the same forms do the same.

const live = document.getElementById("live");

async function vote(form, button) {
  const data = new FormData(form, button);
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(data),
    headers: { Accept: "text/html", "Torv-Part": "votes" },
    redirect: "error",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form.voting");
  if (!made) throw new Error("no form");
  const at = [...form.querySelectorAll("button")].indexOf(button);
  form.replaceWith(made);
  made.querySelectorAll("button")[at]?.focus();
  if (live) live.textContent = made.dataset.said ?? "";
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("form.voting") || !event.submitter) return;
  event.preventDefault();
  const button = event.submitter;
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  vote(form, button).catch(() => {
    // What the server has to say about it is said by the page.
    const value = document.createElement("input");
    value.type = "hidden";
    value.name = button.name;
    value.value = button.value;
    form.append(value);
    form.submit();
  });
});
