"""A term of every kind, over two factors and two numbers."""

from data_science.formula.encoding import Coding, Factor, Term

A, B = Factor("a", (1, 2, 3)), Factor("b", ("u", "v"))
TERMS = {
    "intercept": Term("Intercept"),
    "slope": Term("x", ("x",)),
    "product": Term("x:z", ("x", "z")),
    "reference coding": Term("a", codings=(Coding(A, True),)),
    "full coding": Term("a", codings=(Coding(A, False),)),
    "interaction": Term("a:b", codings=(Coding(A, True), Coding(B, False))),
    "slope by level": Term("x:b", ("x",), (Coding(B, False),)),
    "groups": Term("1|a", groups=(A,)),
    "interaction groups": Term("1|a:b", groups=(A, B)),
    "slopes of levels by group": Term("x:b|a", ("x",), (Coding(B, True),), (A,)),
}
