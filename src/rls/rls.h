/*
 * rls.h
 *	  The check of row-level security at the end of an upgrade.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_H
#define CMIG_RLS_H

/*
 * Raise an error if cmig.rls_check has findings in the schemas listed in
 * cmig.rls_gate that are to stop the upgrade.
 */
extern void cmig_rls_gate(void);
extern void cmig_rls_check_init(void);

#endif							/* CMIG_RLS_H */
