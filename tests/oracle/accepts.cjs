// Reads a JSON list of statements and answers with a JSON list: does soql-parser-js accept each of them?
// Without options: with any, every call builds a new parser, which takes a hundred times as long.
const { isQueryValid } = require(require.resolve('@jetstreamapp/soql-parser-js', { paths: [process.argv[2]] }));
const statements = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(statements.map((statement) => isQueryValid(statement))));
