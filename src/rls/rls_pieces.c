/*
 * rls_pieces.c
 *	  Collects the strings that an expression's text functions and patterns
 *	  use.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/rls_calls.h"
#include "rls/rls_node.h"
#include "rls/rls_pieces.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#define MAX_PIECES 8
#define MAX_PIECE 32
#define MAX_LENGTH 256
#define REGEXP_SPECIAL "^$*+?()[]{}|\\"

/* Add a string, unless the list already contains the string or is full. */
static void
add_piece(CmigRlsPieces *texts, const char *text)
{
	if (text[0] == '\0' || strlen(text) > MAX_PIECE || list_length(texts->pieces) >= MAX_PIECES ||
		cmig_text_list_has(texts->pieces, text))
		return;
	texts->pieces = lappend(texts->pieces, pstrdup(text));
}

/* Add a string that may be a pattern, without its special characters. */
static void
add_literal(CmigRlsPieces *texts, const char *text, const char *special)
{
	char	   *literal = palloc0(strlen(text) + 1);

	for (; *text; text++)
		if (strchr(special, *text) == NULL)
			literal[strlen(literal)] = *text;
	add_piece(texts, literal);
}

/*
 * Record the arguments of a function such as ltrim, lower, replace, or
 * regexp_replace that is applied to the row or the context.  If the function
 * removes, replaces, or keeps a string, keys that contain this string are
 * worth trying.
 */
void
cmig_rls_pieces_of_call(CmigRlsPieces *texts, FuncExpr *call)
{
	ListCell   *lc;

	/*
	 * record the lengths to which casts to varchar(n), char(n), and name
	 * truncate
	 */
	if (exprTypmod((Node *) call) > VARHDRSZ && exprTypmod((Node *) call) <= MAX_LENGTH &&
		(call->funcresulttype == VARCHAROID || call->funcresulttype == BPCHAROID))
	{
		texts->map = true;
		texts->lengths = list_append_unique_int(texts->lengths, exprTypmod((Node *) call) - VARHDRSZ);
		return;
	}
	if (call->funcresulttype == NAMEOID && call->args != NIL && exprType(linitial(call->args)) == TEXTOID)
	{
		texts->map = true;
		texts->lengths = list_append_unique_int(texts->lengths, NAMEDATALEN - 1);
		return;
	}
	if (call->funcresulttype != TEXTOID || call->args == NIL || exprType(linitial(call->args)) != TEXTOID ||
		call->funcformat == COERCE_EXPLICIT_CAST || call->funcformat == COERCE_IMPLICIT_CAST || cmig_rls_calls_setting((Node *) call) ||
		!(contain_var_clause((Node *) call) || cmig_rls_calls_context((Node *) call)))
		return;
	texts->map = true;
	if (texts->folding == NULL && contain_var_clause((Node *) call) && !cmig_rls_calls_context((Node *) call))
		texts->folding = (Node *) call;
	for_each_from(lc, call->args, 1)
	{
		Const	   *value = lfirst(lc);

		if (!IsA(value, Const) || value->constisnull)
			continue;
		if (value->consttype == INT4OID && DatumGetInt32(value->constvalue) > 0 && DatumGetInt32(value->constvalue) <= MAX_LENGTH)
			texts->lengths = list_append_unique_int(texts->lengths, DatumGetInt32(value->constvalue));
		else if (value->consttype == TEXTOID)
		{
			char	   *piece = TextDatumGetCString(value->constvalue);

			add_piece(texts, piece);
			add_literal(texts, piece, REGEXP_SPECIAL);
		}
	}
}

/*
 * Record the constant parts of a concatenated pattern, because keys that
 * contain them are worth trying.
 */
static bool
pattern_walker(Node *node, void *context)
{
	CmigRlsPieces *texts = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const) && ((Const *) node)->consttype == TEXTOID && !((Const *) node)->constisnull)
		add_literal(texts, TextDatumGetCString(((Const *) node)->constvalue), REGEXP_SPECIAL "%_");
	return expression_tree_walker(node, pattern_walker, context);
}

void
cmig_rls_pieces_of_pattern(CmigRlsPieces *texts, OpExpr *expr)
{
	char	   *name = get_opname(expr->opno);

	if (name == NULL || strchr(name, '~') == NULL || list_length(expr->args) != 2 ||
		exprType(lsecond(expr->args)) != TEXTOID || !cmig_rls_calls_context(lsecond(expr->args)))
		return;
	texts->map = true;
	(void) pattern_walker(lsecond(expr->args), texts);
}

List *
cmig_rls_pieces_joined(Node *node)
{
	List	   *parts = NIL;
	List	   *args;
	ListCell   *lc;
	Oid			function;

	node = cmig_rls_bare(node);
	if (node == NULL || !(IsA(node, OpExpr) || IsA(node, FuncExpr)))
		return NIL;
	args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : ((FuncExpr *) node)->args;
	function = IsA(node, OpExpr) ? get_opcode(((OpExpr *) node)->opno) : ((FuncExpr *) node)->funcid;
	if (function == F_CONCAT_WS)
	{
		for_each_from(lc, args, 1)
		{
			if (parts != NIL)
				parts = lappend(parts, linitial(args));
			parts = lappend(parts, lfirst(lc));
		}
		return parts;
	}
	if (function != F_TEXTCAT && function != F_TEXTANYCAT && function != F_ANYTEXTCAT && function != F_CONCAT)
		return NIL;
	foreach(lc, args)
	{
		List	   *inner = cmig_rls_pieces_joined(lfirst(lc));

		parts = inner ? list_concat(parts, inner) : lappend(parts, lfirst(lc));
	}
	return parts;
}
