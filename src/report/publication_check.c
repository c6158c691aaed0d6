/*
 * publication_check.c
 *	  Finds publications and subscriptions that contain pg_cmig's tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "report/publication_check.h"

/*
 * Finds publications that contain cmig.version, and subscriptions that write to
 * this table.
 */
static CmigQuery findings_query = {
	.sql = "SELECT format('publication %I', p.pubname), false FROM pg_publication p"
	" WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = 'cmig.version'::regclass)"
	" OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = 'cmig'::regnamespace)"
	" UNION ALL SELECT format('subscription %I', s.subname), true FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid"
	" WHERE r.srrelid = 'cmig.version'::regclass ORDER BY 2, 1"
};

/* Row callback: append a publication or subscription. */
static void
add_finding(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **findings = arg;
	CmigPublicationFinding *finding = palloc(sizeof(CmigPublicationFinding));

	finding->object = cmig_query_text(desc, row, 1);
	finding->is_subscription = cmig_query_bool(desc, row, 2, false);
	*findings = lappend(*findings, finding);
}

List *
cmig_publication_findings(void)
{
	List	   *findings = NIL;

	cmig_query_each(&findings_query, NULL, NULL, add_finding, &findings);
	return findings;
}
