#!/usr/bin/env node
import { endWithTerminal, processIo } from "./io.js";
import { runCli } from "./program.js";

const io = processIo();
endWithTerminal();
await runCli(process.argv.slice(2), io);
process.exitCode = io.exitCode;
// What pays no heed to its signal would keep an interrupted process alive; everything is printed by now.
if (io.exitCode === 130) process.exit();
