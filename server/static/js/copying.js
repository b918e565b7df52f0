// A button that copies the address beside it. Without this script one marks it and copies it by hand.

for (const field of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-secondary small";
  button.textContent = field.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.textContent.trim());
    button.textContent = field.dataset.copied;
    const live = document.getElementById("live");
    if (live) live.textContent = field.dataset.copied;
  });
  if (navigator.clipboard) field.after(button);
}
