/** A model's answer that is not what was asked for; the message goes back to the model when it is asked again. */
export class OutputProblem extends Error {}
