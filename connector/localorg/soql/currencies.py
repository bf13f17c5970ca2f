"""Amounts in an org with several currencies: convertCurrency, literals such as USD5000, sums, order and texts.

Called by functions.py, conditions.py and rows.py. Rules of the SOQL reference (convertCurrency): amounts are shown in
the user's currency; literals name an active currency and compare by worth; aggregates are in the corporate currency;
order goes by worth. With dated rates (advanced currency management) opportunities, their products and their history
use the rate of their date, everything else the rate of today.
"""

from connector.localorg.soql.lexer import malformed, refuse
from connector.localorg.soql.scope import Column, Scope
from connector.localorg.soql.syntax import Call, Expression, Path, Value

_ISO_LENGTH = 3
_DATES = {
    "Opportunity": '{0}."CloseDate"',
    "OpportunityHistory": '{0}."CloseDate"',
    "OpportunityLineItem": 'COALESCE({0}."ServiceDate",'
    ' (SELECT o."CloseDate" FROM "Opportunity" o WHERE o."Id" = {0}."OpportunityId"))',
}
"""The date whose rate counts; that a product's own date comes before its opportunity's is UNVERIFIED."""
_STATIC = '(SELECT r."ConversionRate" FROM "CurrencyType" r WHERE r."IsoCode" = {0})'
_DATED = (
    '(SELECT d."ConversionRate" FROM "DatedConversionRate" d WHERE d."IsoCode" = {0} AND d."StartDate" <= {1}'
    ' ORDER BY d."StartDate" DESC LIMIT 1)'
)


def has_currencies(scope: Scope) -> bool:
    """Whether the org has several currencies."""
    return scope.schema.find("CurrencyType") is not None


def is_amount(scope: Scope, column: Column) -> bool:
    """Whether a field holds amounts of different currencies."""
    return column.field.type == "currency" and has_currencies(scope)


def worth_sql(scope: Scope, column: Column, code: str) -> str:
    """The SQL of an amount in another currency, by its ISO code; null when the org lacks a rate."""
    own, wanted = _own_code(scope, column), _quoted(code)
    rates = f"{_rate(column, wanted)} / {_rate(column, own)}"
    return f"(CASE WHEN {own} = {wanted} THEN {column.sql} ELSE {column.sql} * {rates} END)"


def converted_sql(scope: Scope, call: Call) -> str:
    """convertCurrency(field): the amount in the user's currency."""
    if not has_currencies(scope):
        malformed(scope.source, call.at, "convertCurrency is only supported in orgs with multiple currencies")
    if not isinstance(call.argument, Path):
        malformed(scope.source, call.at, "convertCurrency cannot be used on the result of an aggregate function")
    column = scope.resolve(call.argument)
    if column.field.type != "currency":
        malformed(scope.source, call.at, f"convertCurrency is not valid on field {column.field.name}")
    return worth_sql(scope, column, scope.viewer.currency)


def refuse_conversion(scope: Scope, expression: Expression) -> None:
    """convertCurrency stands in the SELECT list and nowhere else."""
    found = expression
    while isinstance(found, Call):
        if found.name == "CONVERTCURRENCY":
            malformed(scope.source, found.at, "convertCurrency is only allowed in the SELECT list of single records")
        if found.argument is None:
            return
        found = found.argument


def code_sql(scope: Scope, expression: Expression | None) -> str:
    """The SQL of the ISO code that an amount is in; an empty text in an org with one currency."""
    if not has_currencies(scope):
        return "''"
    match expression:
        case Path():
            return _own_code(scope, scope.resolve(expression))
        case Call("CONVERTCURRENCY"):
            return _quoted(scope.viewer.currency)
    return _quoted(scope.viewer.corporate_currency)


def literal_worth(scope: Scope, left: Expression, value: Value) -> tuple[str, float]:
    """A literal such as USD5000 as the field's worth in that currency, and the number to compare it with."""
    code, amount = value.text[:_ISO_LENGTH].upper(), float(value.text[_ISO_LENGTH:])
    if not has_currencies(scope):
        malformed(scope.source, value.at, "currency literals are only supported in orgs with multiple currencies")
    if not isinstance(left, Path):
        malformed(scope.source, value.at, "currency literals cannot be compared with the result of a function")
    column = scope.resolve(left)
    if column.field.type != "currency":
        text = f"value of filter criterion for field '{column.field.name}' cannot be a currency literal"
        refuse(scope.source, value.at, "INVALID_FIELD", text)
    if not scope.viewer.knows_currency(code):
        malformed(scope.source, value.at, f"invalid currency ISO code: {code}")
    return worth_sql(scope, column, code), amount


def _own_code(scope: Scope, column: Column) -> str:
    corporate = _quoted(scope.viewer.corporate_currency)
    if not column.owner.has("CurrencyIsoCode"):
        return corporate
    return f'COALESCE({column.table}."CurrencyIsoCode", {corporate})'


def _rate(column: Column, code: str) -> str:
    static, day = _STATIC.format(code), _DATES.get(column.owner.name)
    return static if day is None else f"COALESCE({_DATED.format(code, day.format(column.table))}, {static})"


def _quoted(code: str) -> str:
    return "'" + code.replace("'", "''") + "'"
