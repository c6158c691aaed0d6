/*
 * tool_state.h
 *	  Reads another tool's table of applied migrations.
 *
 * The table may belong to any role.  It is read only if it is an ordinary
 * table whose columns have built-in types, and if no row-level security
 * policies apply to the caller.  The table is read as its owner, so that none
 * of the owner's code runs with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TOOL_STATE_H
#define CMIG_TOOL_STATE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "adopt/tool.h"

/* A row in the tool's table. */
typedef struct CmigToolApplied
{
	char	   *name;			/* the migration's name; "" if the name is
								 * null in the table */
	bool		failed;
	bool		until;			/* true if all earlier migrations were also
								 * applied */
	bool		repeatable;		/* true for a repeatable migration, which may
								 * run again */
	int			occurrence;		/* which occurrence of the name this is,
								 * starting at 1 */
} CmigToolApplied;

/*
 * Returns the OID of the table with the tool's usual table name.  Returns
 * InvalidOid if there is no such table.
 */
extern Oid	cmig_tool_state_table(const CmigTool *tool);

/* Returns the usual name of the tool's table, for messages. */
extern const char *cmig_tool_state_usual_name(const CmigTool *tool);

/*
 * If the table cannot belong to the tool or must not be read, returns the
 * reason.  Otherwise, returns NULL.
 */
extern char *cmig_tool_state_refusal(const CmigTool *tool, Oid table);

/*
 * Returns the applied migrations, oldest first, as a List of CmigToolApplied
 * *.
 */
extern List *cmig_tool_state_read(const CmigTool *tool, Oid table);

#endif							/* CMIG_TOOL_STATE_H */
