"""What the exit code of a command says; the errors of the package carry theirs."""

EXIT_CODES = {
    0: "done; of train: a model was saved",
    1: "an unforeseen error (please report it)",
    2: "usage or settings: an option or variable is missing, malformed or refused by the server; a formula "
    "or prior that is not supported; or a folder or version that cannot be read or written",
    3: "data: they cannot be read, or are not what the model needs",
    4: "the fit failed its checks",
    137: "killed by the system, nearly always because memory ran out (in Docker: TRAIN_MEMORY, "
    "0.5g at least)",
    143: "stopped by SIGTERM (130: by Ctrl-C; 141: who read the output has gone)",
}
ANSWERS = {  # of the verbs that answer a question
    10: "a clear no: duel keeps what serves; check found answers that are wrong, or moved without labels",
    11: "not enough data to answer",
}
CLOSED_PIPE = 141
NO, NOT_ENOUGH = 10, 11
INTERRUPTED = 130


def described(*codes: int) -> str:
    """Return one line for each code (default: for all), as `--help` shows them."""
    return "\n".join(f"  {code:<5}{(EXIT_CODES | ANSWERS)[code]}" for code in codes or EXIT_CODES)
