export { type Fault, type FaultRule, faults } from "../models/faults.js";
