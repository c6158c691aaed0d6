/*
 * lint_rule.c
 *	  Records the findings of cmig.lint rules.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_rule.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

CmigLintFinding *
cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintFinding *finding = palloc0(sizeof(CmigLintFinding));
	StringInfoData message;

	initStringInfo(&message);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	finding->rule = lint->rule;
	finding->revision = lint->revision;
	if (lint->statement)
	{
		finding->statement = lint->statement->number;
		finding->line = lint->statement->line;
	}
	finding->message = message.data;
	finding->fix = fix ? pstrdup(fix) : NULL;
	lint->findings = lappend(lint->findings, finding);
	MemoryContextSwitchTo(old);
	return finding;
}

void
cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
					   bool (*holds) (CmigLint *lint, void *arg), void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	CmigLintDeferred *deferred = palloc(sizeof(CmigLintDeferred));

	deferred->finding = finding;
	deferred->whole_plan = whole_plan;
	deferred->holds = holds;
	deferred->arg = arg;
	lint->deferred = lappend(lint->deferred, deferred);
	MemoryContextSwitchTo(old);
}

const char *
cmig_lint_severity_name(CmigLintSeverity severity)
{
	switch (severity)
	{
		case CMIG_LINT_ERROR:
			return "error";
		case CMIG_LINT_WARNING:
			return "warning";
		case CMIG_LINT_NOTICE:
			break;
	}
	return "notice";
}
