// `/` moves to the search box, unless somebody is writing.

const box = document.querySelector("main input[type=search]") ?? document.querySelector("header input[type=search]");

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || writing || !box?.checkVisibility()) return;
  event.preventDefault();
  box.focus();
  box.select();
});
