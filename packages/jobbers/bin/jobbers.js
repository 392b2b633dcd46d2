#!/usr/bin/env node
// Committed, because npm links a command at install time, before anything is built.
import "../dist/cli/main.js";
