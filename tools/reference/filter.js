// Shows the names that hold what was typed.
const filter = document.getElementById("filter");
const rows = [...document.querySelectorAll(".names li")];
filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
