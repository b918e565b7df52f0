// Keeps what one writes as a draft, a while after the last letter. The button "Save as a draft" does the same at once.

const SECONDS = 15;

for (const form of document.querySelectorAll("form[data-draft]")) {
  const status = form.querySelector(".drafted");
  let timer = 0;
  let sending = false;

  async function keep() {
    timer = 0;
    if (sending) return;
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    data.set("do", "draft");
    try {
      const answer = await fetch(form.getAttribute("action"), {
        method: "POST",
        body: new URLSearchParams(data),
        headers: { Accept: "application/json" },
        redirect: "error",
      });
      if (!answer.ok) return;
      const { draft } = await answer.json();
      if (draft) {
        form.elements.namedItem("draft").value = draft;
        if (status) status.textContent = status.dataset.kept;
      }
    } catch {
      // The network is away; the text still stands in the page.
    }
  }

  form.addEventListener("input", () => {
    if (status) status.textContent = "";
    if (!timer) timer = setTimeout(keep, SECONDS * 1000);
  });
  form.addEventListener("submit", () => {
    sending = true;
    clearTimeout(timer);
  });
}
